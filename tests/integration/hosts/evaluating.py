"""A plugin whose actions are Python expressions."""

from services.executor.ports import HostResult
from tests.integration.hosts.conftest import Rig

EVALUATING = """
    import collections, datetime, decimal, enum, json, math, os, signal, sys, threading, time
    import plugarr

    class Named(collections.namedtuple("Named", "a b")):
        pass

    class Colour(str, enum.Enum):
        RED = "red"

    def cycle():
        value = {"a": []}
        value["a"].append(value)
        return value

    def deep(levels):
        value = []
        for _ in range(levels):
            value = [value]
        return value

    class Refusing(Exception):
        def __str__(self):
            raise ValueError("no text")

    class Plugin:
        def run(self, action, params, context):
            return eval(action)

        def _raise(self, error):
            raise error
"""


async def evaluate(rig: Rig, expression: str, **values: object) -> HostResult:
    return await rig.run("eval", expression, **values)
