"""Files: uploaded by users, handed to plugins, read back."""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Final, Protocol

from services.gateway.identity import Asks
from services.gateway.problems import Faults
from services.gateway.uploads import UploadedFile
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import new_id
from shared.contracts.files import MAX_FILES, AddFile, FileValue, GetFile, StoredFile, UsedFiles, UseFiles
from shared.contracts.ui.fields import FileField
from shared.contracts.users import User

_FILE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VALUE: Final = frozenset({"name", "size", "type", "id"})
_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}", re.ASCII)
_UPLOAD: Final = "must be a file that was uploaded: POST /api/files/ answers with its value"
_PLAIN: Final = "application/octet-stream"


class Contents(Protocol):
    """The bucket `files`."""

    async def put_as(self, name: str, chunks: AsyncIterator[bytes]) -> int: ...

    def read(self, digest: str) -> AsyncIterator[bytes]: ...

    async def has(self, digest: str) -> bool: ...


class FileService:
    """What the gateway does with files; the data service knows whose they are."""

    def __init__(self, *, contents: Contents, asks: Asks) -> None:
        self._contents = contents
        self._asks = asks

    async def add(self, upload: UploadedFile, user: User, plugin: str | None) -> FileValue:
        """Keep an uploaded file; for a plugin, where one is named."""
        file_id = new_id()
        size = await self._contents.put_as(file_id, upload.chunks())
        command = AddFile(
            id=file_id,
            name=clean_name(upload.filename),
            size=size,
            type=upload.type if _TYPE.fullmatch(upload.type) else _PLAIN,
            plugin=plugin,
            actor=f"user:{user.username}",
        )
        stored: StoredFile = await self._asks.request(c.ADD_FILE, command)
        return stored.value

    async def get(self, file_id: str) -> tuple[StoredFile, AsyncIterator[bytes]]:
        """A file and its content. Raises NotFound."""
        stored: StoredFile = await self._asks.request(c.GET_FILE, GetFile(id=file_id))
        if not await self._contents.has(file_id):
            raise errors.NotFound(f"the content of file {file_id} is gone")
        return stored, self._contents.read(file_id)

    async def handed(
        self, plugin: str, values: dict[str, Any], path: str, fields: Sequence[Any] = ()
    ) -> dict[str, Any]:
        """The values, every file in them handed to the plugin and described by what is stored.

        Raises Faults, with the path, where one of the `fields` holds a file that is gone, or another
        plugin's; anywhere else such a value only looks like a file, and stays as it is.
        """
        declared = list(_declared(fields, values, path))
        strange = [(where, _UPLOAD) for where, value in declared if not is_file(value)]
        if strange:
            raise Faults(strange)
        ids = {value["id"] for value in _files(values)}
        if not ids:
            return values
        if len(ids) > MAX_FILES:
            raise errors.Invalid(f"{path}: more than {MAX_FILES:,} files", path=path)
        used: UsedFiles = await self._asks.request(
            c.USE_FILES, UseFiles(plugin=plugin, ids=tuple(sorted(ids)))
        )
        refused = {one.id: one.reason for one in used.refused}
        faults = [
            (f"{where}.id", refused[value["id"]]) for where, value in declared if value["id"] in refused
        ]
        if faults:
            raise Faults(faults)
        known = {file.id: file.model_dump(mode="json") for file in used.files}
        described: dict[str, Any] = _replaced(values, lambda value: known.get(value["id"], value))
        return described


def clean_name(name: str) -> str:
    """A file's name without folders, control characters and what would mislead whoever reads it."""
    last = re.split(r"[/\\]", name)[-1]
    # Without lone surrogates, and without what turns the direction of writing.
    kept = "".join(char for char in last if char.isprintable() and not "\ud800" <= char <= "\udfff")
    return kept.strip(" .")[-200:] or "file"


def is_file(value: Any) -> bool:
    """Whether a value is a file as fields of type `file` have it."""
    return (
        isinstance(value, dict)
        and value.keys() == _VALUE
        and isinstance(value["id"], str)
        and _FILE_ID.fullmatch(value["id"]) is not None
    )


def _declared(fields: Sequence[Any], values: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    """Path and value of everything that is given where a field of type `file` is."""
    for field in fields:
        if not isinstance(field, FileField):
            continue
        value = values.get(field.id)
        # What the author himself wrote as default is always right.
        if value in (None, "") or value == field.default:
            continue
        yield f"{path}.{field.id}", value


def _files(value: Any) -> Iterator[dict[str, Any]]:
    """Everything in a value that looks like a file."""
    if is_file(value):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _files(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _files(inner)


def _replaced(value: Any, replace: Callable[[dict[str, Any]], Any]) -> Any:
    if is_file(value):
        return replace(value)
    if isinstance(value, dict):
        return {key: _replaced(inner, replace) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, replace) for inner in value]
    return value
