"""Pages and their components: a notice with the path stands for each bad one, the rest works."""

import difflib
from typing import Any, TypeVar

from shared.contracts.ui.components import COMPONENTS, Column, ComponentBase, InvalidComponent, Step, TabItem
from shared.contracts.ui.components.data import RENDERERS
from shared.contracts.ui.pages import Page
from shared.manifests.entries import Entries, confirming
from shared.manifests.findings import Findings, Path, dotted
from shared.manifests.shapes import MAX_DEPTH
from shared.manifests.validation import Fault, build, unknown_keys

_HOLDERS = frozenset({"stack", "group", "card", "modal", "grid", "drawer", "poll"})
_ROW_ACTIONS = {
    "table": ("row_actions", "bulk_actions"),
    "list": ("actions",),
    "drag_drop_list": ("actions",),
}
"""Where components keep the buttons of their rows."""
_PAGE = 2
"""Parts of a path that name the page: `pages.main`; the rest is what a notice shows."""
_DEEPEST = MAX_DEPTH - 4
"""A notice itself still fits below this."""

Item = TypeVar("Item", TabItem, Step)


class Tree:
    """Makes pages and components of shaped values."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._entries = Entries(findings)

    def pages(self, raw: Any) -> dict[str, Page]:
        """The plugin's pages by id."""
        if raw is None:
            return {}
        if not isinstance(raw, dict):
            self._findings.error(("pages",), "must be an object", 'write {"main": {"components": […]}}')
            return {}
        return {name: self._page(page, ("pages", name)) for name, page in raw.items() if name}

    def _page(self, raw: Any, path: Path) -> Page:
        if not isinstance(raw, dict):
            notice = self._notice(path, [Fault((), "a page must be an object")], 'write {"components": […]}')
            return Page(components=[notice])
        values = {**raw, "components": self._components(raw.get("components"), (*path, "components"))}
        page, faults = build(Page, values)
        if page is None:
            bad = {str(fault.below[0]) for fault in faults if fault.below}
            values = {key: value for key, value in values.items() if key not in bad}
            values["components"] = [self._notice(path, faults), *values["components"]]
            page = Page.model_validate(values)
        unknown_keys(page, path, self._findings)
        return page

    def _components(self, raw: Any, path: Path) -> list[ComponentBase]:
        if raw is None:
            return []
        if not isinstance(raw, list):
            return [self._notice(path, [Fault((), "must be a list of components")], "put it into a list")]
        return [self._component(entry, (*path, index)) for index, entry in enumerate(raw)]

    def _component(self, raw: Any, path: Path) -> ComponentBase:
        if not isinstance(raw, dict):
            return self._notice(
                path, [Fault((), "a component must be an object")], 'write {"type": "text", …}'
            )
        kind = raw.get("type")
        model = COMPONENTS.get(kind) if isinstance(kind, str) else None
        if model is None or not isinstance(kind, str):
            return self._unknown(kind, path)
        if len(path) > _DEEPEST:
            return self._notice(path, [Fault((), "is nested too deeply")], "nest it less deeply")
        values = self._with_children(kind, raw, path)
        built, faults = build(model, values)
        if built is None and kind in _HOLDERS:
            built = self._holder(model, values, faults, path)
        if built is None:
            return self._notice(path, faults)
        unknown_keys(built, path, self._findings)
        return built

    def _holder(
        self, model: type[ComponentBase], values: dict[str, Any], faults: list[Fault], path: Path
    ) -> ComponentBase | None:
        """A container keeps its children: the notice goes in among them, the bad keys go out."""
        bad = {str(fault.below[0]) for fault in faults if fault.below}
        kept = {key: value for key, value in values.items() if key not in bad}
        built, _ = build(model, kept)
        if built is None:
            return None
        kept["components"] = [self._notice(path, faults), *kept.get("components", [])]
        return build(model, kept)[0]

    def _with_children(self, kind: str, raw: dict[str, Any], path: Path) -> dict[str, Any]:
        """The values with everything below made into models already, each mended on its own."""
        values = dict(raw)
        for key in _ROW_ACTIONS.get(kind, ()):
            if isinstance(raw.get(key), list):
                values[key] = self._entries.row_actions(raw[key], (*path, key))
        if kind in _HOLDERS:
            values["components"] = self._components(raw.get("components"), (*path, "components"))
        elif kind in {"tabs", "stepper"} and isinstance(raw.get("items"), list):
            values["items"] = [
                self._item(TabItem, item, (*path, "items", index))
                if kind == "tabs"
                else self._item(Step, item, (*path, "items", index))
                for index, item in enumerate(raw["items"])
            ]
        elif kind == "form" and isinstance(raw.get("fields"), list):
            values["fields"] = self._entries.form_fields(raw["fields"], (*path, "fields"), _PAGE)
        elif kind == "table" and isinstance(raw.get("columns"), list):
            columns = (
                self._column(column, (*path, "columns", index)) for index, column in enumerate(raw["columns"])
            )
            values["columns"] = [column for column in columns if column is not None]
        elif kind == "button":
            values = confirming(values)
        return values

    def _column(self, raw: Any, path: Path) -> Column | None:
        if not isinstance(raw, dict):
            self._findings.error(path, "a column must be an object; it is left out", 'write {"id": …}')
            return None
        column, faults = build(Column, {"label": raw.get("id"), **raw})
        if column is None:
            for fault in faults:
                self._findings.error((*path, *fault.below), f"{fault.message}; the column is left out")
            return None
        if column.render is not None and column.render not in RENDERERS:
            self._findings.hint(
                (*path, "render"), f'"{column.render}" is no renderer', f"one of: {', '.join(RENDERERS)}"
            )
        unknown_keys(column, path, self._findings)
        return column

    def _item(self, model: type[Item], raw: Any, path: Path) -> Item:
        """A tab or a step: a bad one keeps its components, below the notice."""
        what = "tab" if model is TabItem else "step"
        stand_in = f"{what}-{path[-1]}"
        if not isinstance(raw, dict):
            notice = self._notice(
                path, [Fault((), f"a {what} must be an object")], 'write {"id": …, "label": …}'
            )
            return model.model_validate({"id": stand_in, "label": stand_in, "components": [notice]})
        values: dict[str, Any] = {
            **raw,
            "components": self._components(raw.get("components"), (*path, "components")),
        }
        if "fields" in model.model_fields and isinstance(raw.get("fields"), list):
            values["fields"] = self._entries.form_fields(raw["fields"], (*path, "fields"), _PAGE)
        item, faults = build(model, values)
        if item is not None:
            unknown_keys(item, path, self._findings)
            return item
        bad = {str(fault.below[0]) for fault in faults if fault.below}
        kept = {key: value for key, value in values.items() if key not in bad}
        components = [self._notice(path, faults), *values["components"]]
        return model.model_validate(
            {"id": stand_in, "label": kept.get("id", stand_in), **kept, "components": components}
        )

    def _unknown(self, kind: Any, path: Path) -> InvalidComponent:
        if not isinstance(kind, str):
            return self._notice(path, [Fault(("type",), "is missing")], f"one of: {', '.join(COMPONENTS)}")
        near = difflib.get_close_matches(kind[:40], COMPONENTS, n=1)
        remedy = f'did you mean "{near[0]}"?' if near else f"one of: {', '.join(COMPONENTS)}"
        return self._notice(path, [Fault(("type",), f'unknown component "{kind[:40]}"')], remedy)

    def _notice(self, path: Path, faults: list[Fault], remedy: str | None = None) -> InvalidComponent:
        """The node that stands for a bad one, with its faults noted under the full path."""
        for fault in faults:
            self._findings.error((*path, *fault.below), fault.message, remedy)
        return InvalidComponent(
            type="invalid",
            errors=[Fault(fault.below, fault.message).at(path[_PAGE:]) for fault in faults]
            or [f"{dotted(path[_PAGE:])}: could not be understood"],
        )
