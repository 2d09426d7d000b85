"""How attempts may end: as the plugin's code has it, or as something that was done to them just then explains."""

from typing import Final

from tests.faults.evidence import Entry, Fault
from tests.faults.facts import seconds

_LEASES_S: Final = 20.0
"""So long after the bus was away, leases may yet be lost: it is started again, and clients reconnect."""
_BACK_S: Final = 60.0
"""So long after it was killed, what keeps documents may not answer yet: starts are backed off, MongoDB recovers."""
_STORES: Final = frozenset({"data", "mongod", "nats-server", "disk", "machine"})


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
    own = fault.target == "executor" and fault.name == claim.executor
    # A lease that cannot be renewed is lost, and hosts without a heartbeat end themselves.
    no_lease = fault.target in {"nats-server", "disk", "machine"} and _lasted(fault, claim, end, _LEASES_S)
    match end.cause:
        case "executor_gone":
            return no_lease or (own and _lasted(fault, claim, end))
        case "crashed":
            host = fault.target == "host" and fault.name == claim.plugin
            stood_still = own and fault.kind == "stop"
            return no_lease or ((host or stood_still) and _lasted(fault, claim, end))
        case "raised" if fault.target == "disk" and end.error_type == "OSError":
            return _lasted(fault, claim, end, _LEASES_S)
        case "raised" if end.error_type in {"PlatformUnavailable", "PlatformTimeout"}:
            return fault.target in _STORES and _lasted(fault, claim, end, _BACK_S)
        case _:
            return False


def _lasted(fault: Fault, claim: Entry, end: Entry, after_s: float = 0.0) -> bool:
    """Whether a fault, or what followed from it for so long, fell into an attempt."""
    began, ended = seconds(claim.started_at or claim.at), seconds(end.at)
    return fault.at <= ended and (fault.until or fault.at) + after_s >= began
