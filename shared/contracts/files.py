"""Files that users hand to plugins: the content lies in the bucket `files` under the file's id."""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from shared.contracts.base import OBJECT_LIMIT, Answer, Command, Name, RunId, Timestamp

MAX_FILES: Final = 1000
"""Files that one set of values may name."""

FileId = RunId
FileName = Annotated[str, StringConstraints(min_length=1, max_length=255)]
MediaType = Annotated[str, StringConstraints(max_length=127)]
FileSize = Annotated[int, Field(ge=0, le=OBJECT_LIMIT)]


class FileValue(Answer):
    """A file as settings, params and documents hold it: the value of a field of type `file`."""

    name: FileName
    size: FileSize
    type: MediaType
    """As the uploader called it; nobody looks into the content."""
    id: FileId


class StoredFile(FileValue):
    """What is known of a file."""

    plugin: Name | None = None
    """Whose file it is; None until it is handed to a plugin."""
    created_at: Timestamp
    created_by: str | None = None

    @property
    def value(self) -> FileValue:
        """As a field of type `file` holds it."""
        return FileValue(name=self.name, size=self.size, type=self.type, id=self.id)


class AddFile(Command):
    """Make known a file whose content is stored already."""

    id: FileId
    name: FileName
    size: FileSize
    type: MediaType
    plugin: Name | None = None
    actor: str | None = None


class GetFile(Command):
    """What is known of a file; for a plugin only of its own. NotFound for every other."""

    id: FileId
    plugin: Name | None = None


class UseFiles(Command):
    """Hand files to a plugin: from then on they are its own, and kept for a while."""

    plugin: Name
    ids: Annotated[tuple[FileId, ...], Field(max_length=MAX_FILES)]


class RefusedFile(Answer):
    id: FileId
    reason: str


class UsedFiles(Answer):
    files: tuple[FileValue, ...]
    """As they are stored: name, size and type are the platform's word, not the sender's."""
    refused: tuple[RefusedFile, ...] = ()
