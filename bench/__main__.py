"""`python -m bench [NAME …]`: measure, beside a floor in the same run, and print ratios."""

import argparse
import importlib
import pkgutil

import bench
from bench.harness import RESULTS, report

SHARED = {"__main__", "harness"}
MODULES = [module for module in pkgutil.iter_modules(bench.__path__) if not module.ispkg]
NAMES = sorted(module.name for module in MODULES if module.name not in SHARED)

parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(NAMES)}; by default all")
chosen = parser.parse_args().names or NAMES
unknown = sorted(set(chosen) - set(NAMES))
if unknown:
    parser.error(f"no bench named {', '.join(unknown)}; there are {', '.join(NAMES)}")
for name in chosen:
    module = importlib.import_module(f"bench.{name}")
    print(f"{name}: {module.__doc__.strip().splitlines()[0]}", flush=True)
    report(name, module.measure())
print(f"as JSON: {RESULTS}")
