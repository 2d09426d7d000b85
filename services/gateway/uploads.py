"""Files that come by multipart: written to disk as they arrive, at most 64 MiB."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from services.gateway.bodies import MIB
from services.gateway.problems import BadRequest
from shared import errors
from shared.contracts.base import OBJECT_LIMIT

_READ: Final = 1024 * 1024
_LIMIT: Final = OBJECT_LIMIT + MIB
"""Of the request as a whole: the parts' headers count too."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What came with an import."""

    data: bytes
    filename: str
    overwrite: bool


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """What came by multipart: a file, on disk where it is large, and texts beside it."""

    file: UploadFile
    fields: dict[str, str]

    @property
    def filename(self) -> str:
        return self.file.filename or ""

    @property
    def type(self) -> str:
        """As the sender calls it."""
        return (self.file.content_type or "").partition(";")[0].strip().lower()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content, never all of it in memory."""
        while part := await self.file.read(_READ):
            yield part


async def read_upload(request: Request) -> Upload:
    """The file of an import. Raises BadRequest where there is none, TooLarge over 64 MiB."""
    async with open_upload(request) as upload:
        given = upload.fields.get("overwrite", "").strip().lower()
        overwrite = given in {"true", "1", "yes", "on", "y", "t"}
        return Upload(await upload.file.read(), upload.filename or "plugin.zip", overwrite)


@asynccontextmanager
async def open_upload(request: Request) -> AsyncIterator[UploadedFile]:
    """The part `file` of a body, while the context lasts. Raises BadRequest and TooLarge as `read_upload`."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > _LIMIT:
        raise _too_large()
    if "multipart/form-data" not in request.headers.get("content-type", ""):
        raise BadRequest("must be multipart/form-data with a part `file`", path="file")
    size = 0

    async def counted() -> AsyncGenerator[bytes, None]:
        nonlocal size
        async for part in request.stream():
            size += len(part)
            if size > _LIMIT:
                raise _too_large()
            yield part

    parser = MultiPartParser(request.headers, counted(), max_files=4, max_fields=16, max_part_size=64 * 1024)
    try:
        form = await parser.parse()
    except (MultiPartException, HTTPException, KeyError, UnicodeDecodeError, LookupError) as error:
        raise BadRequest("the multipart body cannot be read", path="body") from error
    except ClientDisconnect as error:
        raise BadRequest("the body was cut off") from error
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise BadRequest("No file: send it as the part `file`", path="file")
        if (file.size or 0) > OBJECT_LIMIT:
            raise _too_large()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        yield UploadedFile(file, fields)
    finally:
        await form.close()


def _too_large() -> errors.TooLarge:
    return errors.TooLarge("the file is larger than 64 MiB", path="file")
