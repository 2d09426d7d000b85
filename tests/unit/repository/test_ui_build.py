"""What a first visit of the web UI costs, by the files that set-up built."""

import gzip
import json
from pathlib import Path

DIST = Path(__file__).resolve().parents[3] / "frontend" / "dist"
MOST_SCRIPT = 190 * 1024
MOST_STYLE = 45 * 1024


def first_visit() -> tuple[set[str], set[str]]:
    """Scripts and styles that the page asks for before it draws anything."""
    manifest = json.loads((DIST / ".vite" / "manifest.json").read_text())
    todo = [name for name, chunk in manifest.items() if chunk.get("isEntry")]
    scripts: set[str] = set()
    styles: set[str] = set()
    while todo:
        chunk = manifest[todo.pop()]
        if chunk["file"] not in scripts:
            scripts.add(chunk["file"])
            styles |= set(chunk.get("css", ()))
            todo += chunk.get("imports", ())
    return scripts, styles


def packed(names: set[str]) -> int:
    return sum(len(gzip.compress((DIST / name).read_bytes(), 9)) for name in names)


def test_a_first_visit_loads_at_most_190_kib_of_scripts_and_45_of_styles() -> None:
    scripts, styles = first_visit()
    assert scripts
    assert packed(scripts) <= MOST_SCRIPT
    assert packed(styles) <= MOST_STYLE


def test_every_larger_file_lies_there_compressed_too() -> None:
    large = [
        file
        for file in DIST.rglob("*")
        if file.suffix in {".js", ".css", ".html"} and file.stat().st_size >= 1024
    ]
    assert large
    for file in large:
        for suffix in (".br", ".gz"):
            assert file.with_name(file.name + suffix).is_file(), file.name
