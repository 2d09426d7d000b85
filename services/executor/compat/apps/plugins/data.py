"""`PluginData.objects`: collections of a plugin's own JSON documents."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, overload

from plugarr_host.platform import platform

from apps.plugins.together import held


class PluginData:
    """One document of a collection."""

    objects: ClassVar["PluginDataManager"]

    def __init__(self, plugin_key: str, collection: str, record: Mapping[str, Any]) -> None:
        self.plugin_key = plugin_key
        self.collection = collection
        self._take(record)

    def _take(self, record: Mapping[str, Any]) -> None:
        self.id: int = record["id"]
        self.data: dict[str, Any] = record["data"]
        self.created_at = datetime.fromisoformat(record["created_at"])
        self.updated_at = datetime.fromisoformat(record["updated_at"])

    @property
    def pk(self) -> int:
        """The id, by its other name."""
        return self.id

    def save(self) -> None:
        """Store `data` as it is now. Raises LookupError when the document is gone."""
        stored = self.objects.update_in_collection(self.plugin_key, self.collection, self.id, self.data)
        if stored is None:
            raise LookupError(f"{self.collection} has no document {self.id}")
        self.data, self.updated_at = stored.data, stored.updated_at

    def delete(self) -> bool:
        """Remove the document; whether it was there."""
        return self.objects.remove_from_collection(self.plugin_key, self.collection, self.id)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PluginData):
            return NotImplemented
        mine, its = ((r.plugin_key, r.collection, r.id) for r in (self, other))
        return mine == its

    def __hash__(self) -> int:
        return hash((self.plugin_key, self.collection, self.id))

    def __repr__(self) -> str:
        return f"<PluginData {self.plugin_key}/{self.collection}/{self.id}>"


class Records(Sequence[PluginData]):
    """Documents in order."""

    def __init__(self, records: Iterable[PluginData]) -> None:
        self._records = list(records)

    @overload
    def __getitem__(self, index: int) -> PluginData: ...
    @overload
    def __getitem__(self, index: slice) -> "Records": ...
    def __getitem__(self, index: int | slice) -> "PluginData | Records":
        if isinstance(index, slice):
            return Records(self._records[index])
        return self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def count(self, *value: Any) -> int:
        """How many documents there are; of one document, as of any sequence, how often it is there."""
        return self._records.count(*value) if value else len(self._records)

    def first(self) -> PluginData | None:
        """The first document, or None."""
        return self._records[0] if self._records else None

    def last(self) -> PluginData | None:
        """The last document, or None."""
        return self._records[-1] if self._records else None

    def exists(self) -> bool:
        """Whether there is any document."""
        return bool(self._records)

    def all(self) -> "Records":
        """The same documents."""
        return self

    def __repr__(self) -> str:
        return f"<Records {self._records!r}>"


class PluginDataManager:
    """The specification's seven calls. Ids are integers; `"123"` is accepted for 123."""

    def get_collection(self, plugin_key: str, collection: str) -> Records:
        """Every document of a collection, in the order of their ids."""
        return _records(plugin_key, collection, _get(plugin_key, collection))

    def get_collection_data(self, plugin_key: str, collection: str) -> list[dict[str, Any]]:
        """Every document as a dict with its `_id`."""
        return [{**record["data"], "_id": record["id"]} for record in _get(plugin_key, collection)]

    def set_collection(
        self, plugin_key: str, collection: str, data_list: Iterable[Mapping[str, Any]]
    ) -> Records:
        """Replace the whole collection; readers see the old one or the new one, never a part."""
        items = list(data_list)
        if (block := held()) is not None:
            return _records(plugin_key, collection, block.set(plugin_key, collection, items))
        return _records(plugin_key, collection, _call("set_collection", plugin_key, collection, items=items))

    def add_to_collection(self, plugin_key: str, collection: str, data: Mapping[str, Any]) -> PluginData:
        """Add a document; its id is new."""
        if (block := held()) is not None:
            return PluginData(plugin_key, collection, block.add(plugin_key, collection, data))
        return PluginData(
            plugin_key, collection, _call("add_to_collection", plugin_key, collection, data=data)
        )

    def update_in_collection(
        self, plugin_key: str, collection: str, item_id: int | str, data: Mapping[str, Any]
    ) -> PluginData | None:
        """Replace a document, or None where there is none of this id."""
        if (block := held()) is not None:
            record = block.update(plugin_key, collection, item_id, data)
        else:
            record = _call("update_in_collection", plugin_key, collection, id=item_id, data=data)
        return PluginData(plugin_key, collection, record) if record is not None else None

    def remove_from_collection(self, plugin_key: str, collection: str, item_id: int | str) -> bool:
        """Remove a document; whether it was there."""
        if (block := held()) is not None:
            return block.remove(plugin_key, collection, item_id)
        return bool(_call("remove_from_collection", plugin_key, collection, id=item_id))

    def clear_collection(self, plugin_key: str, collection: str) -> int:
        """Remove every document; how many there were."""
        if (block := held()) is not None:
            return block.clear(plugin_key, collection)
        count: int = _call("clear_collection", plugin_key, collection)
        return count


def _get(plugin_key: str, collection: str) -> list[dict[str, Any]]:
    if (block := held()) is not None:
        return block.get(plugin_key, collection)
    records: list[dict[str, Any]] = _call("get_collection", plugin_key, collection)
    return records


def _call(verb: str, plugin_key: str, collection: str, **args: Any) -> Any:
    return platform.call(f"data.{verb}", plugin=plugin_key, collection=collection, **args)


def _records(plugin_key: str, collection: str, records: Iterable[Mapping[str, Any]]) -> Records:
    return Records(PluginData(plugin_key, collection, record) for record in records)


PluginData.objects = PluginDataManager()
