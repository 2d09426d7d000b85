"""What a plugin says of itself, from anywhere, made into validated models.

`plugin.json`, literals of the class and a live instance all end here. Whatever comes in, valid models
come out: nothing raises, depth and size are bounded, and each bad node is named by its path.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.contracts.manifest import ATTRIBUTES, Described, Loaded, Problem
from shared.contracts.ui import Navigation
from shared.manifests.entries import Entries
from shared.manifests.findings import Findings
from shared.manifests.shapes import Shaper
from shared.manifests.tree import Tree
from shared.manifests.validation import build_dropping, unknown_keys

TEXTS = ("name", "version", "description", "author", "help_url")


class Normaliser:
    """Makes models of one plugin's raw values; its findings are the plugin's."""

    def __init__(self, findings: Findings | None = None) -> None:
        self.findings = findings or Findings()
        self._shaper = Shaper(self.findings)
        self._entries = Entries(self.findings)
        self._tree = Tree(self.findings)

    def attribute(self, name: str, raw: Any) -> Any:
        """The model or text of one attribute; None where it says nothing."""
        value = self._shaper.shape(raw, (name,))
        if name in TEXTS:
            return self._text(name, value)
        if name == "fields":
            return self._entries.fields(value, (name,)) or None
        if name == "actions":
            return self._entries.actions(value, (name,)) or None
        if name == "navigation":
            return self._navigation(value)
        if name == "pages":
            return self._tree.pages(value) or None
        return value

    def attributes(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Those of `ATTRIBUTES` that say something, ready for a `Described`."""
        made = {name: self.attribute(name, raw[name]) for name in ATTRIBUTES if raw.get(name) is not None}
        return {name: value for name, value in made.items() if value}

    def _text(self, name: str, value: Any) -> str | None:
        if value is None or isinstance(value, str):
            return value.strip() if value else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        self.findings.warning((name,), "must be text; it is left out", f'write {name} = "…"')
        return None

    def _navigation(self, value: Any) -> Navigation | None:
        if value is None:
            return None
        if not isinstance(value, dict):
            self.findings.error(("navigation",), "must be an object", 'write {"label": …, "icon": …}')
            return None
        navigation, faults = build_dropping(Navigation, value, ("navigation",), self.findings)
        if navigation is None:
            for fault in faults:
                self.findings.error(
                    ("navigation", *fault.below), fault.message, 'navigation needs a "label", a text'
                )
            return None
        unknown_keys(navigation, ("navigation",), self.findings)
        return navigation


def described(raw: Mapping[str, Any], findings: Findings | None = None) -> Described:
    """Everything that raw values say of a plugin, with what was wrong in them."""
    normaliser = Normaliser(findings)
    said = normaliser.attributes(raw)
    return Described.model_construct(
        {*said, "errors", "warnings"},
        **said,
        errors=normaliser.findings.errors,
        warnings=normaliser.findings.warnings,
    )


def loaded_document(
    *,
    digest: str,
    epoch: int,
    executor: str,
    attributes: Mapping[str, Any],
    site: str = "",
    sandbox: str | None = None,
    stateless: bool = False,
    ok: bool = True,
    error: str | None = None,
    warnings: Sequence[str] = (),
) -> Loaded:
    """What the home executor writes about a plugin that its host loaded, or failed to."""
    findings = Findings()
    said = Normaliser(findings).attributes(attributes)
    notes = [Problem(path="", message=text[:2000]) for text in warnings[:50]]
    values = {
        **said,
        "digest": digest,
        "epoch": epoch,
        "executor": executor,
        "site": site,
        "sandbox": sandbox,
        "stateless": stateless,
        "ok": ok,
        "error": error,
        "errors": findings.errors,
        "warnings": [*findings.warnings, *notes],
    }
    return Loaded.model_construct(set(values), **values)
