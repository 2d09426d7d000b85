"""Writes docs/compatibility.md from reports of tests: what plugins rely on, and whether it was seen to work.

usage: python scripts/compatibility.py REPORT.xml… > docs/compatibility.md
"""

import ast
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
HEAD = """# Compatibility

What plugins written for Dispatcharr 0.29 rely on, and the tests that run such plugins on the whole platform, through
HTTP. Written by `scripts/compatibility.py` from their results; every line is a test.
"""


def sentence(name: str) -> str:
    """Return a test's name as people read it."""
    base, _, case = name.removeprefix("test_").partition("[")
    text = base.replace("_", " ")
    return f"{text[:1].upper()}{text[1:]}" + (f" ({case.rstrip(']')})" if case else "")


def heading(file: Path) -> str:
    """Return what a module says of itself, in one line."""
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or file.stem
    return said.splitlines()[0].rstrip(".")


def main() -> None:
    """Print the page."""
    files: dict[str, list[str]] = {}
    for report in sys.argv[1:]:
        for case in ET.parse(report).iter("testcase"):  # noqa: S314  # we wrote it just now
            bad = {child.tag for child in case} & {"failure", "error", "skipped"}
            line = f"- {'NOT SEEN: ' if bad else ''}{sentence(case.get('name', ''))}"
            files.setdefault(case.get("classname", "").replace(".", "/") + ".py", []).append(line)
    print(HEAD)
    for name, lines in sorted(files.items()):
        print(f"## {heading(ROOT / name)}\n\n`{name}`\n")
        print("\n".join(dict.fromkeys(lines)) + "\n")
    print(
        "## Not supported\n\n- The live stream proxy (`apps.proxy.*`): its import fails with an ImportError that says so.\n"
        "- Changing Dispatcharr's own views or models at run time: they are in another process.\n"
        "- Solar schedules, inspecting workers, and pickled task arguments."
    )


if __name__ == "__main__":
    main()
