"""How attempts may end: as the plugin's code has it, or as something that was done to them just then explains."""

from typing import Final

from tests.faults.evidence import Entry, Fault
from tests.faults.facts import seconds

_RECOVERY_S: Final = 20.0
"""So long after a fault, requests to what it hit may still fail: restarts are backed off, leases expire."""


def is_as_coded(action: str, attempt: int, end: Entry) -> bool:
    """Whether an attempt ended as the plugin's code has it."""
    match action:
        case "fail":
            return end.cause == "raised" and end.error_type == "ValueError"
        case "again" if attempt == 1:
            return end.state == "queued" and end.cause == "retry"
        case _:
            return end.state == "succeeded"


def explains(fault: Fault, claim: Entry, end: Entry) -> bool:
    """Whether a fault may have made an attempt end as it did."""
    began, ended = seconds(claim.started_at or claim.at), seconds(end.at)
    until = fault.until or fault.at
    just_then = fault.at <= ended and until >= began
    lately = fault.at <= ended and until + _RECOVERY_S >= began
    own = fault.target == "executor" and fault.name == claim.executor
    match end.cause:
        case "executor_gone":
            # A lease that cannot be renewed is lost, too.
            return (own and just_then) or (fault.target in {"nats-server", "disk"} and lately)
        case "crashed":
            host = fault.target == "host" and fault.name == claim.plugin
            # Hosts of an executor that stands still end themselves.
            return just_then and (host or (own and fault.kind == "stop"))
        case "raised" if fault.target == "disk":
            return lately and end.error_type in {"OSError", "PlatformUnavailable", "PlatformTimeout"}
        case "raised":
            unanswered = end.error_type in {"PlatformUnavailable", "PlatformTimeout"}
            return unanswered and fault.target in {"data", "mongod", "nats-server"} and lately
        case _:
            return False
