"""The platform's secrets on one machine: made once, mode 0600, never logged."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from deploy.nats.permissions import PROVISIONER, SERVICES

_NAMES = (*(f"nats-{user}" for user in (*SERVICES, PROVISIONER)), "mongo-root", "mongo-data", "jwt")


def ensure_secret(folder: Path, name: str, *, length: int = 32) -> str:
    """The secret of that name; made where it does not exist. `length` is in random bytes."""
    path = folder / name
    with contextlib.suppress(FileNotFoundError):
        if found := path.read_text().strip():
            return found
        # A full disk, or the end of the process, left it empty.
        path.unlink()
    value = secrets.token_hex(length)
    descriptor, draft = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        # Another process was quicker.
        return path.read_text().strip()
    finally:
        Path(draft).unlink()
    return value


def ensure_secrets(folder: Path) -> dict[str, str]:
    """Every secret that the services of one machine need, by name."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    found = {name: ensure_secret(folder, name) for name in _NAMES}
    # MongoDB wants 6 to 1,024 base64 characters, and nobody else able to read them.
    found["mongo-keyfile"] = ensure_secret(folder, "mongo-keyfile", length=256)
    return found
