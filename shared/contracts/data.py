"""Plugin data: collections of JSON documents with integer ids."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from shared.contracts.base import (
    Answer,
    CarriedObject,
    Command,
    JsonObject,
    Model,
    Name,
    ObjectRef,
    Timestamp,
)

ItemId = Annotated[int, Field(ge=1, le=2**63 - 1)]
OpId = Annotated[str, Field(min_length=1, max_length=64)]
"""Names a write: a repeated command with the same `op_id` is the same write (kept 1 h)."""
Placement = Literal["home", "any"]
FilterOp = Literal["eq", "ne", "lt", "lte", "gt", "gte", "in", "contains", "exists"]


class Filter(Model):
    """`f.<field>[.op]=value`; fields may be dotted paths into the document."""

    field: Name
    op: FilterOp = "eq"
    value: JsonValue = None


class Record(Answer):
    """One document of a collection, as `PluginData` records show it."""

    id: ItemId
    data: JsonObject
    """Without `_id`."""
    created_at: Timestamp
    updated_at: Timestamp
    rev: int = 1


class RecordAnswer(Answer):
    record: Record | None


class CollectionCommand(Command):
    plugin: Name
    collection: Name


class ListItems(CollectionCommand):
    """Answered by a stream: `ListHead`, then chunks, each a JSON array of `Record`."""

    limit: Annotated[int, Field(ge=1)] | None = None
    """None: all of them."""
    offset: Annotated[int, Field(ge=0)] = 0
    sort: tuple[Annotated[str, Field(min_length=1, max_length=256)], ...] = ()
    """Field names, `-` before one for descending; `_id` ascending where absent and as the last criterion."""
    search: Annotated[str, Field(max_length=200)] | None = None
    """Case-insensitive text anywhere in a document's string and number values."""
    filters: Annotated[tuple[Filter, ...], Field(max_length=20)] = ()


class ListHead(Answer):
    total: int
    """Documents that match, whatever limit and offset."""


class ItemCommand(CollectionCommand):
    id: ItemId


class GetItem(ItemCommand):
    pass


class AddItem(CollectionCommand):
    data: CarriedObject
    op_id: OpId


class ReplaceItem(ItemCommand):
    data: CarriedObject
    op_id: OpId


class PatchItem(ItemCommand):
    """Merge at the top level: given keys are set, others stay."""

    data: CarriedObject
    op_id: OpId


class DeleteItem(ItemCommand):
    op_id: OpId


class Deleted(Answer):
    deleted: int


class ReplaceCollection(CollectionCommand):
    """Replace the whole collection in one transaction; answered by a stream like `ListItems`."""

    items: tuple[JsonObject, ...] | ObjectRef
    """A JSON array of documents; valid unique `_id`s are kept, others are numbered."""
    op_id: OpId


class ClearCollection(CollectionCommand):
    op_id: OpId


class TakeIds(CollectionCommand):
    """Reserve ids for documents that are written later; those that nobody uses are gaps."""

    count: Annotated[int, Field(ge=0, le=100_000)]
    above: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    """An id that the counter is to be beyond."""


class TakenIds(Answer):
    first: int


class ItemWrite(Model):
    """One of several writes: a document with an id that was reserved, another one in its place, or none."""

    verb: Literal["add", "replace", "delete", "clear"]
    collection: Name
    id: ItemId | None = None
    data: JsonObject | None = None


class WriteTogether(Command):
    """All of these writes in their order, or none of them: what a transaction of the host database held."""

    plugin: Name
    writes: tuple[ItemWrite, ...] | ObjectRef
    op_id: OpId


class PluginConfig(Answer):
    """What an administrator chose for a plugin; exists from the first choice on."""

    key: Name
    enabled: bool = False
    ever_enabled: bool = False
    settings: JsonObject = Field(default_factory=dict)
    placement: Placement | None = None
    """The operator's word over the manifest's."""
    deleting: bool = False
    """Whether it was disabled in order to be deleted: that is the reason which the plugin is told."""
    rev: int = 0
    updated_at: Timestamp | None = None


class ListConfigs(Command):
    """Answered by a stream of every `PluginConfig`, in the order of keys."""


class GetConfig(Command):
    key: Name


class SetEnabled(Command):
    key: Name
    enabled: bool
    deleting: bool = False
    """Disabled in order to be deleted."""
    actor: str | None = None


class SetSettings(Command):
    key: Name
    settings: JsonObject
    actor: str | None = None


class SetPlacement(Command):
    """Say where a plugin runs, over its manifest's word; None takes that back."""

    key: Name
    placement: Placement | None
    actor: str | None = None


class DeletePluginConfig(Command):
    """Forget a plugin's config, and its data where asked."""

    key: Name
    with_data: bool = False
    actor: str | None = None
