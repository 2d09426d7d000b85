"""`make faults`: the long form. Prints an audit for each scenario, and says what could not be run here.

python -m tests.faults [--seed N] [--runs N] [--only NAME,NAME] [--audit FILE]
"""

import argparse
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.e2e.platform import ROOT
from tests.faults.auditor import audit
from tests.faults.evidence import Evidence
from tests.faults.machine import NotHere
from tests.faults.report import report
from tests.faults.scenarios import SCENARIOS, Order

KEPT = ROOT / ".build" / "faults"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=_number, help="the order in which things happen; by default a new one")
    parser.add_argument("--runs", type=_number, help="runs under kills, 10,000 by default; a tenth elsewhere")
    parser.add_argument("--only", default="", help=f"some of: {', '.join(SCENARIOS)}")
    parser.add_argument("--audit", type=Path, help="judge evidence that was kept, and run nothing")
    given = parser.parse_args()
    if given.audit:
        judged = audit(Evidence.read(given.audit))
        print(report(judged))
        return 0 if judged.clean else 1
    names = [name for name in given.only.split(",") if name] or list(SCENARIOS)
    if unknown := set(names) - SCENARIOS.keys():
        parser.error(f"no such scenario: {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    seed = random.SystemRandom().randrange(2**32) if given.seed is None else given.seed
    runs = given.runs or 10_000
    print(f"SEED={seed} RUNS={runs}", flush=True)
    results = {name: _conducted(name, seed, runs) for name in names}
    print(f"\nSEED={seed}")
    for name, result in results.items():
        print(f"  {name:<15} {result}")
    return 1 if any(result.startswith("FAILED") for result in results.values()) else 0


def _conducted(name: str, seed: int, runs: int) -> str:
    """Run one scenario; how it went, in a line."""
    scenario = SCENARIOS[name]
    print(f"\n== {name}: {scenario.__doc__}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"faults-{name}-", ignore_cleanup_errors=True) as folder:
        order = Order(Path(folder), seed, runs if name == "kills" else max(100, runs // 10))
        try:
            evidence = scenario(order)
        except NotHere as reason:
            print(f"not run: {reason}", flush=True)
            return f"not run here: {reason}"
        except Exception:  # noqa: BLE001 - the border of a scenario: the others are run all the same
            traceback.print_exc()
            return "FAILED before it could be audited"
        finally:
            log = Path(folder) / "up.log"
            if log.exists():
                KEPT.mkdir(parents=True, exist_ok=True)
                (KEPT / f"{name}-{seed}.log").write_bytes(log.read_bytes())
    evidence.save(KEPT / f"{name}-{seed}.json")
    judged = audit(evidence)
    print(report(judged), flush=True)
    ended = f"{time.monotonic() - began:.0f} s; evidence in {KEPT.relative_to(ROOT)}/{name}-{seed}.json"
    return f"{'ok' if judged.clean else 'FAILED'}, {ended}"


def _number(text: str) -> int | None:
    """A number; nothing where a variable of make is empty."""
    return int(text) if text else None


if __name__ == "__main__":
    sys.exit(main())
