"""Files that users handed to the plugin, as files that Python reads."""

import base64
import hashlib
import tempfile
from collections.abc import Mapping
from typing import IO, Any, Final

from plugarr_host.failures import PlatformError
from plugarr_host.platform import platform

_IN_MEMORY: Final = 1024 * 1024


def open_file(file: str | Mapping[str, Any]) -> IO[bytes]:
    """The whole content in a temporary file, at its beginning; it goes when it is closed."""
    file_id = file.get("id") if isinstance(file, Mapping) else file
    if not isinstance(file_id, str):
        raise ValueError("open_file: give a file's id, or the value of a file field")  # noqa: TRY004 - one error for both
    known = platform.call("files.open", id=file_id)
    content: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller closes it
    try:
        _fetch(file_id, known["digest"], content)
    except BaseException:
        content.close()
        raise
    content.seek(0)
    return content


def _fetch(file_id: str, digest: str, into: IO[bytes]) -> None:
    whole = hashlib.sha256()
    after = 0
    while True:
        piece = platform.call("files.read", id=file_id, after=after)
        data = base64.b64decode(piece["data"])
        if not data:
            break
        whole.update(data)
        into.write(data)
        after = piece["after"]
    if whole.hexdigest() != digest:
        raise PlatformError(f"open_file: the file {file_id} did not come whole: try again")
