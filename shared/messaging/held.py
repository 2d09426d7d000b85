"""Messages as streams hold them, and as direct get returns them."""

from dataclasses import dataclass, field

from nats.aio.msg import Msg

from shared import errors


@dataclass(frozen=True, slots=True)
class Held:
    """A message as a stream holds it."""

    subject: str
    seq: int
    data: bytes
    headers: dict[str, str] = field(default_factory=dict)
    time: str = ""
    """When it was stored, RFC 3339 with nanoseconds."""

    @property
    def deleted(self) -> bool:
        """Whether it is only a marker that a key was deleted or expired."""
        return "Nats-Marker-Reason" in self.headers or self.headers.get("KV-Operation") in {"DEL", "PURGE"}


def held_of(message: Msg) -> Held | None:
    """The message that a direct get answers with; None where there is none. Raises Unavailable."""
    headers = dict(message.headers or {})
    status = headers.get("Status")
    if status in {"404", "408"}:
        return None
    if status:
        raise errors.Unavailable(f"the bus answered {status} {headers.get('Description', '')}")
    return Held(
        subject=headers.get("Nats-Subject", ""),
        seq=int(headers.get("Nats-Sequence", 0)),
        data=message.data,
        headers=headers,
        time=headers.get("Nats-Time-Stamp", ""),
    )
