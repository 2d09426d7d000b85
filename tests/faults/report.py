"""The audit as people read it."""

from collections import Counter
from typing import Final

from tests.faults.auditor import Audit
from tests.faults.facts import FINAL

_SHOWN: Final = 5


def report(audit: Audit) -> str:
    """One line per check, the first of what each found, and what the load and the faults were."""
    evidence = audit.evidence
    ends = Counter(
        entry.state + (f" ({entry.cause})" if entry.cause else "")
        for entry in evidence.ledger
        if entry.state in FINAL
    )
    faults = Counter(f"{fault.kind} {fault.target}" for fault in evidence.faults)
    replaced = sum(cell.answered for cell in evidence.cells)
    frames = ", ".join(
        f"{len(one.frames)} over {one.connections} connections ({one.name})" for one in evidence.watchers
    )
    lines = [
        f"seed {evidence.seed}: {len(evidence.requests)} runs, {len(evidence.writes)} documents added, {replaced} replaced",
        f"faults: {_counted(faults)}",
        f"ends:   {_counted(ends)}",
        f"frames: {frames}",
        "notes:  " + ", ".join(f"{name} {value}" for name, value in evidence.notes.items()),
        "",
    ]
    for name, found in audit.findings.items():
        words = name.replace("_", " ")
        lines.append(f"  {'ok    ' if not found else 'FAILED'} {words}")
        lines += [f"           {finding}" for finding in found[:_SHOWN]]
        if len(found) > _SHOWN:
            lines.append(f"           … and {len(found) - _SHOWN} more")
    lines += ["", "AUDIT: everything holds" if audit.clean else "AUDIT: FAILED"]
    return "\n".join(lines)


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items())) or "none"
