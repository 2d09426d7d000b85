"""How an example is shown: the components on the left, their source on the right."""

import json
from typing import Any

Node = dict[str, Any]


def example(title: str, *components: Node, about: str = "") -> Node:
    """A card with the components on the left and their source on the right."""
    shown = components[0] if len(components) == 1 else list(components)
    return {
        "type": "card",
        "title": title,
        "components": [
            *([{"type": "markdown", "content": about}] if about else []),
            {
                "type": "grid",
                "columns": 2,
                "gap": "lg",
                "components": [
                    {"type": "stack", "components": list(components)},
                    {"type": "code", "language": "python", "content": source(shown)},
                ],
            },
        ],
    }


def source(value: Any, indent: str = "") -> str:
    """A value as a plugin's author would write it: short ones on one line."""
    flat = literal(value)
    if len(flat) + len(indent) <= 64 or not isinstance(value, dict | list) or not value:
        return flat
    deeper = indent + "    "
    if isinstance(value, dict):
        lines = [f"{deeper}{json.dumps(key)}: {source(below, deeper)}," for key, below in value.items()]
        return "\n".join(["{", *lines, indent + "}"])
    return "\n".join(["[", *(f"{deeper}{source(below, deeper)}," for below in value), indent + "]"])


def literal(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {literal(below)}" for key, below in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(literal(below) for below in value) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def text(content: str, **more: Any) -> Node:
    return {"type": "text", "content": content, **more}


def badge(content: str, **more: Any) -> Node:
    return {"type": "badge", "content": content, **more}
