"""The specification's Python blocks, kept beside the tests, and the least wrapper that completes each."""

import textwrap
from pathlib import Path

from tests.spec.elements import Element, completed, elements

BLOCKS = Path(__file__).with_name("blocks")

WHOLE = ("minimal-plugin-legacy-style", "enhanced-plugin-with-custom-ui")
"""Plugins already."""
ATTRIBUTES = ("settings-fields", "actions", "navigation-items", "page-structure")
"""Attributes of a class."""
COMPONENTS = (
    "stack",
    "group",
    "card",
    "tabs",
    "text",
    "title",
    "alert",
    "button",
    "form",
    "table",
    "list",
    "dragdroplist",
    "data-binding-in-ui",
)
"""Components of a page."""
MANIFEST = (*WHOLE, *ATTRIBUTES, *COMPONENTS)


def block(name: str) -> str:
    """The block's code as the specification prints it."""
    return (BLOCKS / f"{name}.txt").read_text(encoding="utf-8")


def wrapped(name: str) -> str:
    """A plugin that consists of the block and what it needs around it."""
    code = completed(block(name)).replace("[...]", '[{"type": "divider"}]')
    if name in ATTRIBUTES:
        return "class Plugin:\n" + textwrap.indent(code, "    ")
    if name in COMPONENTS:
        component = textwrap.indent(code, "        ")
        return f'class Plugin:\n    pages = {{"main": {{"components": [\n{component}    ]}}}}\n'
    return code


def keys_of(name: str) -> list[Element]:
    """The keys that the block gives to the platform, not what its `run` returns."""
    found = elements(f"# {name}\n```python\n{block(name)}```\n")
    return [element for element in found if element.kind == "key" and not element.text.startswith("return.")]


KEYS = [(name, element.text) for name in MANIFEST for element in keys_of(name)]
"""Every key of every block that a manifest holds."""
