"""What is known of a plugin: two documents with two writers, and the view that merges them.

`Manifest` is made from the plugin's files without executing any of them, `Loaded` is what the plugin
said of itself when its home executor loaded it. Neither ever carries settings.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.base import Digest, ObjectRef
from shared.contracts.ui import Action, FieldSpec, Navigation, Page

Attribute = Literal[
    "name", "version", "description", "author", "help_url", "fields", "actions", "navigation", "pages"
]
ATTRIBUTES: tuple[Attribute, ...] = (
    "name",
    "version",
    "description",
    "author",
    "help_url",
    "fields",
    "actions",
    "navigation",
    "pages",
)
"""What a plugin says of itself, by its class, its instance or `plugin.json`."""


class _Document(BaseModel):
    """Kept in KV and read by services of other versions: unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore")

    def to_bytes(self) -> bytes:
        """The document as JSON: what was set, and of the UI schema the author's own keys."""
        return self.model_dump_json(exclude_unset=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes | str) -> Self:
        """Read what `to_bytes` wrote; raises pydantic's ValidationError for anything else."""
        return cls.model_validate_json(data)


class Problem(BaseModel):
    """Something wrong with a plugin, where, and what to do about it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str
    """Where in the plugin's own words (`fields[3].options`, `pages.main.components[2]`), or a file."""
    message: str
    remedy: str | None = None


class Execution(BaseModel):
    """How the plugin's code is run, from `plugin.json` or a literal of the class."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    placement: Literal["home", "any"] = "home"
    timeout_s: Annotated[float, Field(gt=0, le=7 * 86_400)] = 3600.0
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 8
    task_concurrency: Annotated[int, Field(ge=1, le=1000)] = 4
    memory: Annotated[int, Field(ge=32 * 1024 * 1024)] | None = None
    """Bytes a host may take; None for no limit of its own."""
    retries: Annotated[int, Field(ge=0, le=100)] = 0
    """Further attempts of a run that failed, timed out or was lost: the author says that it may run again."""
    backoff_s: Annotated[float, Field(ge=0, le=3600)] = 1.0
    """Before the second attempt; each further one waits twice as long, up to an hour."""


class Described(_Document):
    """What both documents say in the same words. Empty means not said."""

    name: str = ""
    version: str = ""
    description: str = ""
    author: str = ""
    help_url: str = ""
    fields: list[FieldSpec] = Field(default_factory=list)
    actions: list[Action] = Field(default_factory=list)
    navigation: Navigation | None = None
    pages: dict[str, Page] = Field(default_factory=dict)
    errors: list[Problem] = Field(default_factory=list)
    warnings: list[Problem] = Field(default_factory=list)


class Manifest(Described):
    """KV `manifest.<key>`, written by the registry's lease holder only."""

    key: str
    folder: str
    """Name of the plugin's folder, as its author named it."""
    legacy: bool = False
    """Whether there is no usable `plugin.json`."""
    invalid: bool = False
    """Whether the plugin is only listed, with its errors, and can never be enabled."""
    missing: bool = False
    has_logo: bool = False
    execution: Execution = Execution()
    declared: dict[str, Any] = Field(default_factory=dict)
    """`plugin.json`'s own name … actions, JSON-shaped: what an instance's empty attributes fall back to."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Keys of `plugin.json` that are passed through: `source_repo`, `slug`, `is_managed` …"""
    unknown: list[str] = Field(default_factory=list)
    """Attributes that cannot be known, or not wholly, without running the plugin."""
    epoch: int = 0
    """Epoch of the lease under which it was written."""
    generation: int = 0
    """Raised by a reload, so that homes load the plugin anew although its digest is the same."""
    digest: Digest | None = None
    package: ObjectRef | None = None
    previous: Digest | None = None
    """The package before this one: kept until there is another."""


class Loaded(Described):
    """KV `loaded.<key>`, written by the home executor only."""

    digest: str
    """Digest of the package that was loaded: the document counts for that version only."""
    generation: int = 0
    """The manifest's when it was loaded."""
    epoch: int = 0
    executor: str = ""
    site: str = ""
    sandbox: str | None = None
    """The sandbox that its host has."""
    stateless: bool = False
    """Whether nothing in its code speaks against running it on every executor: a guess from its text."""
    ok: bool = True
    error: str | None = None


class PluginView(Manifest):
    """What the gateway shows: the manifest, completed by what the loaded plugin says."""

    loaded: bool = False
    load_error: str | None = None
    executor: str | None = None
    site: str | None = None
    sandbox: str | None = None
    stateless: bool = False


def merge(manifest: Manifest, loaded: Loaded | None) -> PluginView:
    """Complete a manifest by what its plugin said when it was loaded.

    `loaded` counts where it is of the same digest; what it leaves empty falls back to the manifest, and
    so do the findings that belong to it.
    """
    own = {name: getattr(manifest, name) for name in manifest.model_fields_set}
    if loaded is None or manifest.digest is None or loaded.digest != manifest.digest:
        return PluginView.model_construct(set(own), **_whole(manifest))
    own |= {"loaded": loaded.ok, "load_error": loaded.error, "executor": loaded.executor or None}
    own |= {"site": loaded.site or None, "sandbox": loaded.sandbox, "stateless": loaded.stateless}
    if loaded.ok:
        said = {name for name in ATTRIBUTES if getattr(loaded, name)}
        own |= {name: getattr(loaded, name) for name in said}
        own["unknown"] = [name for name in manifest.unknown if name not in ATTRIBUTES]
        own["errors"] = [*_about(manifest.errors, said), *loaded.errors]
        own["warnings"] = [*_about(manifest.warnings, said), *loaded.warnings]
    return PluginView.model_construct(set(own), **(_whole(manifest) | own))


def _whole(manifest: Manifest) -> dict[str, Any]:
    return {name: getattr(manifest, name) for name in Manifest.model_fields}


def _about(problems: Iterable[Problem], said: set[Attribute]) -> list[Problem]:
    """The manifest's findings that stand although the plugin loaded.

    Those of attributes that the plugin said itself are replaced by its own, and a file that could not
    be read without running it could be run after all.
    """
    return [
        problem
        for problem in problems
        if problem.path.split(".", 1)[0].split("[", 1)[0] not in said and ".py" not in problem.path
    ]
