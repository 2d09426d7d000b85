"""What a host may say, checked field by field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from services.executor.hosts.protocol import ProtocolViolation, decode_json
from services.executor.ports import HostEnd, LoadedPlugin

MAX_LINE: Final = 9 * 1024
"""Characters; a host cuts at 8 KiB and says what it cut."""
MAX_LINES: Final = 1000
"""Of one message; a host sends 200."""
_LEVELS: Final = frozenset({"debug", "info", "warning", "error"})
_ENDS: Final = frozenset(
    {"returned", "raised", "denied", "unserialisable", "timed_out", "cancelled", "retry"}
)


@dataclass(frozen=True, slots=True)
class Loaded:
    number: int
    plugin: LoadedPlugin


@dataclass(frozen=True, slots=True)
class Ended:
    """A call is over."""

    number: int
    end: HostEnd
    result: Any
    error: str | None
    error_type: str | None
    refreshed: Mapping[str, Any] | None
    retry_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The plugin asks the platform for something."""

    number: int
    run_id: str | None
    depth: int
    method: str
    args: Mapping[str, Any]
    size: int
    """Bytes of the arguments, as JSON."""


@dataclass(frozen=True, slots=True)
class LogLine:
    run_id: str | None
    line: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Logged:
    lines: Sequence[LogLine]


@dataclass(frozen=True, slots=True)
class Progressed:
    run_id: str
    done: float
    total: float | None
    message: str | None


Message = Loaded | Ended | Asked | Logged | Progressed


def parse(raw: Mapping[str, Any]) -> Message:
    """The message that a frame holds. Raises `ProtocolViolation`."""
    match raw.get("t"):
        case "loaded":
            return Loaded(_integer(raw, "id"), _loaded(raw))
        case "ended":
            return _ended(raw)
        case "call":
            return Asked(
                number=_integer(raw, "id"),
                run_id=_text(raw, "run"),
                depth=_integer(raw, "depth"),
                method=_text(raw, "method") or "",
                args=_object(decode_json(raw.get("args"))),
                size=len(raw["args"]),
            )
        case "log":
            lines = decode_json(raw.get("lines"))
            if not isinstance(lines, list) or len(lines) > MAX_LINES:
                raise ProtocolViolation("log lines that are no list, or too many")
            return Logged([_line(line) for line in lines])
        case "progress":
            return Progressed(
                run_id=_text(raw, "run") or "",
                done=_number(raw, "done") or 0.0,
                total=_number(raw, "total"),
                message=_text(raw, "message", MAX_LINE),
            )
        case other:
            raise ProtocolViolation(f"a message of unknown kind ({str(other)[:40]})")


def _loaded(raw: Mapping[str, Any]) -> LoadedPlugin:
    if raw.get("ok") is not True:
        return LoadedPlugin(ok=False, error=_text(raw, "error", 16_384) or "loading failed")
    said = _object(decode_json(raw.get("said")))
    warnings = said.get("warnings")
    return LoadedPlugin(
        ok=True,
        attributes=_object(said.get("attributes")),
        warnings=[str(warning) for warning in warnings] if isinstance(warnings, list) else (),
        dynamic=said.get("dynamic") is True,
    )


def _ended(raw: Mapping[str, Any]) -> Ended:
    end = raw.get("end")
    if not isinstance(end, str) or end not in _ENDS:
        raise ProtocolViolation("an outcome of unknown kind")
    result, refreshed = raw.get("result"), raw.get("refreshed")
    return Ended(
        number=_integer(raw, "id"),
        end=cast("HostEnd", end),
        result=decode_json(result) if result is not None else None,
        error=_text(raw, "error", 65_536),
        error_type=_text(raw, "error_type"),
        refreshed=_object(decode_json(refreshed)) if refreshed is not None else None,
        retry_in_s=_number(raw, "retry_in_s"),
    )


def _line(raw: object) -> LogLine:
    match raw:
        case [str(time), str(level), str(message), (None | str()) as logger, (None | str()) as run_id]:
            line = {
                "time": _time(time),
                "level": level if level in _LEVELS else "info",
                "message": message[:MAX_LINE],
            }
            return LogLine(run_id, {**line, "logger": logger[:200]} if logger is not None else line)
        case _:
            raise ProtocolViolation("a log line of another shape")


def _time(text: str) -> str:
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        given = datetime.now(UTC)
    # A naive time can only be the plugin's own forgery; its meaning does not matter.
    return given.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _integer(raw: Mapping[str, Any], name: str) -> int:
    value = raw.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ProtocolViolation(f"{name} that is no integer")
    return value


def _number(raw: Mapping[str, Any], name: str) -> float | None:
    value = raw.get(name)
    if value is None:
        return None
    # The comparison refuses NaN and the infinities.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        raise ProtocolViolation(f"{name} that is no number")
    return float(value)


def _text(raw: Mapping[str, Any], name: str, limit: int = 512) -> str | None:
    value = raw.get(name)
    if value is not None and not isinstance(value, str):
        raise ProtocolViolation(f"{name} that is no text")
    return value[:limit] if value is not None else None


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ProtocolViolation("a value that is no object")
    return value
