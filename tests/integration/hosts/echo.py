"""A plugin whose result is one Python expression."""

ECHO = """
    class Plugin:
        name = "Echo"
        def run(self, action, params, context):
            return {expression}
"""


def echo(expression: str, before: str = "") -> str:
    return before + ECHO.replace("{expression}", expression)
