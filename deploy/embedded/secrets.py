"""The platform's secrets on one machine: made once, mode 0600, never logged."""

import os
import secrets
from pathlib import Path

from deploy.nats.permissions import PROVISIONER, SERVICES

_NAMES = (*(f"nats-{user}" for user in (*SERVICES, PROVISIONER)), "mongo-root", "mongo-data", "jwt")


def ensure_secret(folder: Path, name: str, *, length: int = 32) -> str:
    """The secret of that name; made where it does not exist. `length` is in random bytes."""
    path = folder / name
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    value = secrets.token_hex(length)
    with os.fdopen(descriptor, "w") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    return value


def ensure_secrets(folder: Path) -> dict[str, str]:
    """Every secret that the services of one machine need, by name."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    found = {name: ensure_secret(folder, name) for name in _NAMES}
    # MongoDB wants 6 to 1,024 base64 characters, and nobody else able to read them.
    found["mongo-keyfile"] = ensure_secret(folder, "mongo-keyfile", length=256)
    return found
