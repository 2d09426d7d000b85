"""docs/ui-components.md, made of the schema's own words and of the gallery's examples."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from shared.contracts.ui import COMPONENTS, FIELDS, ui_schema

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "ui-components.md"
SCHEMA = ui_schema()["$defs"]

INTRO = """\
# UI components

What a page of a plugin is made of: every component, every key, and what leaving it out does. The plugin `ui_gallery` shows all of them alive, beside their source. This file is made from the schema (`make golden`), so it cannot be wrong about keys; how pages come about is told in [Writing a plugin](plugin-guide.md).

A component is an object with a `type`. Keys that Plugarr does not know are passed on and named by `plugarr check`. A component that is wrong is replaced by a notice with its path, `components[2].data_source: is missing`; the rest of the page works.

**On every component**: `id`, by which forms, tables and dialogs are addressed, and `visible_if`, a condition (see below).

**Words.** Sizes are `xs`, `sm`, `md`, `lg`, `xl` or a number of pixels. Colours are `gray`, `red`, `pink`, `grape`, `violet`, `indigo`, `blue`, `cyan`, `teal`, `green`, `lime`, `yellow`, `orange`, everyday words (`success`, `warning`, `danger`, `info`) or `#rrggbb`. Icons are [Tabler](https://tabler.io/icons) names. Variants are `filled`, `light`, `outline`, `subtle`, `default`.

**Templates.** `{{name}}` and `{{team.name}}` are filled from a document, `{{start|datetime}}` with a format: `datetime`, `date`, `time`, `number`, `bytes`, `duration`, `boolean`. What is missing is empty; what is filled in is text and never HTML. They are filled in the templates of lists, and in every text of a dialog that a row opened or below a `poll`; elsewhere braces are braces.

**Renderers** of columns, details and stats: `text`, `datetime`, `date`, `boolean`, `badge`, `link`, `image`, `number`, `bytes`, `duration` (seconds), `progress` (0 to 100).

**What actions get.** A button sends its `params`, a form its values, a row or list item its whole document with integer `_id` over the button's `params`, chosen rows `{ids, items}`, a reordered list `{items, moved_item_id, from_index, to_index}`, an upload `{file}` or `{files}`. A form in a dialog that a row opened sends the row's `_id` besides. A field that was emptied is `null`, an empty text is `""`, and one that was never set is absent. While an action runs, its button says so, for everybody and after leaving the page.

**Live.** What draws a collection follows it: a change anywhere is on the page within moments. As long as all of a table's documents are on the page, it sorts, searches and filters by itself; beyond a page (with `pagination`) or 10,000 rows (without) the database does it.
"""
CONDITIONS = """\
## Conditions

`visible_if` and `disabled_if` compare the values around them: the form's on a field, the row's on a row action, the row or result in a dialog or `poll`.

```python
{"field": "mode", "eq": "expert"}
{"field": "points", "gte": 10, "lt": 100}
{"data_source": "jobs", "gt": 0}  # the number of documents
{"data_source": "jobs", "field": "state", "eq": "running"}  # a key of the first one
{"any": [{"field": "a", "exists": True}, {"none": [{"field": "kind", "one_of": ["x", "y"]}]}]}
```

All comparisons of a condition must hold. A field that is not shown is not required and not sent; where a collection decides that, the plugin has to look itself.
"""
COMMON = {
    "color": "A colour.",
    "icon": "Name of a Tabler icon.",
    "label": "What it says.",
    "title": "Its heading.",
    "content": "What it says.",
    "components": "What is in it.",
    "size": "A size.",
    "variant": "How it is drawn; `filled` on buttons, `light` on badges when left out.",
    "action": "What `run()` is called with.",
    "gap": "Space between its components; `md` when left out.",
    "confirm": "Asks first: `True`, or `{title, message}`; `required: False` does not ask.",
    "empty_message": "What it says while there is nothing; “Nothing here yet” when left out.",
    "searchable": "Has a search box; none when left out.",
    "pagination": "Has pages; all rows in one when left out.",
    "row_actions": "Buttons of each row.",
    "actions": "Buttons of each item.",
    "columns": "Its columns.",
    "sortable": "Its head sorts.",
    "on_reorder": "What `run()` is called with; without it the platform writes the order.",
    "order_field": "Key that holds the order.",
    "item_template": "What is shown of each document.",
    "submit_action": "What `run()` is called with.",
    "submit_label": "What the button says; “Submit” (`stepper`: “Finish”) when left out.",
    "fields": "Its fields.",
    "items": "Its parts.",
    "params": "Sent with the action.",
    "required": "Has to be filled in.",
    "default": "What it begins with.",
    "placeholder": "Shown while it is empty.",
    "description": "Shown with it, smaller.",
    "help_text": "Shown below it.",
    "message": "What it says.",
    "orientation": "`horizontal` when left out.",
    "data_source": "Name of the collection.",
    "options": "What can be chosen: texts, or `{value, label}`.",
    "stacked": "On top of one another.",
    "kind": "What is drawn.",
    "min": "The least.",
    "max": "The most.",
    "max_length": "The most characters.",
    "rows": "Lines that it shows; one that grows when left out.",
    "accept": "As HTML's `accept`.",
    "min_rows": "The fewest rows.",
    "max_rows": "The most rows.",
    "language": "Shown above it.",
    "alt": "What it shows, for those who do not see it.",
    "subtitle": "A second line.",
    "badge": "A badge at the end of the line.",
}
"""What keys mean wherever they occur, where the schema says nothing more."""

PARTS = ("Column", "RowAction", "ItemTemplate", "TabItem", "Step", "Series", "DetailItem", "OptionsFrom")
EVERYWHERE = {"type", "id", "visible_if", "model_config"}


def gallery(name: str) -> ModuleType:
    """One of its modules that import nothing of the platform."""
    package = ModuleType("ui_gallery_shown")
    package.__path__ = [str(ROOT / "plugins" / "ui_gallery")]
    sys.modules[package.__name__] = package
    return importlib.import_module(f"{package.__name__}.{name}")


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for below in value:
            yield from nodes(below)


def example(kind: str, module: ModuleType) -> str:
    """The fullest example of a type that is still short."""
    outer = [tab["components"] for tab in module.PAGES["main"]["components"][0]["items"]]
    # A field may have the name of a component.
    needed = {name for name, key in COMPONENTS[kind].model_fields.items() if key.is_required()}
    found = [node for node in nodes(outer) if node.get("type") == kind and needed <= node.keys()]
    # The gallery's own frames are cards with a grid in them.
    plain = [
        node
        for node in found
        if not any(below.get("type") == "code" for below in nodes(node)) or kind == "code"
    ]
    best = max(plain, key=lambda node: (len(node), -len(str(node))))
    return str(gallery("shown").source(best))


def kind_of(schema: dict[str, Any]) -> str:  # noqa: PLR0911 - one return per kind of schema
    """A type in few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return "component" if name == "Component" else "condition" if name == "Condition" else f"`{name}`"
    if "anyOf" in schema:
        parts = [kind_of(one) for one in schema["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(parts))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    match schema.get("type"):
        case "array":
            return f"list of {kind_of(schema.get('items', {}))}"
        case "string":
            return "text"
        case "integer" | "number":
            return "number"
        case "boolean":
            return "true or false"
        case "object":
            return "object"
    return "any"


def bounds(schema: dict[str, Any]) -> str:
    for one in (schema, *schema.get("anyOf", [])):
        low, high = one.get("minimum"), one.get("maximum")
        if low is not None and high is not None:
            return f" ({low:g} to {high:g})"
        if one.get("maxItems"):
            return f" (at most {one['maxItems']})"
    return ""


def table(name: str, leave_out: set[str]) -> list[str]:
    model = SCHEMA[name]
    required = set(model.get("required", ()))
    lines = ["| key | what it takes | |", "|---|---|---|"]
    for key, schema in model["properties"].items():
        if key in leave_out:
            continue
        says = schema.get("description") or COMMON.get(key, "")
        default = schema.get("default")
        if default not in (None, False, []) and "when left out" not in says:
            says = f"{says} `{default}` when left out.".strip()
        mark = " **(required)**" if key in required else ""
        text = says.replace("|", "\\|").replace("\n", " ")
        lines.append(f"| `{key}`{mark} | {kind_of(schema)}{bounds(schema)} | {text} |")
    return lines if len(lines) > 2 else []


def doc_of(name: str) -> str:
    return (SCHEMA[name].get("description") or "").strip()


def page() -> str:
    """The whole file."""
    module = gallery("examples")
    parts = [INTRO, CONDITIONS, "## Components\n"]
    for kind, model in COMPONENTS.items():
        name = model.__name__
        parts.append(f"### {kind}\n")
        if doc_of(name):
            parts.append(doc_of(name) + "\n")
        parts.append(f"```python\n{example(kind, module)}\n```\n")
        parts.append("\n".join(table(name, EVERYWHERE)) + "\n")
    parts.append("## Parts of components\n")
    for name in PARTS:
        parts += [f"### {name}\n", doc_of(name) + "\n", "\n".join(table(name, {"type"})) + "\n"]
    parts.append("## Fields\n")
    parts.append("The same in settings and in every form. Every field has:\n")
    parts.append("\n".join(table("BooleanField", {"type"})) + "\n")
    everywhere = {*SCHEMA["BooleanField"]["properties"]}
    for kind, field in FIELDS.items():
        own = table(field.__name__, everywhere)
        parts.append(f"### {kind}\n")
        if doc_of(field.__name__):
            parts.append(doc_of(field.__name__) + "\n")
        if own:
            parts.append("\n".join(own) + "\n")
    return "\n".join(parts).rstrip() + "\n"
