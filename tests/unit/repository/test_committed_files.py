import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def committed() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def lines_matching(pattern: str) -> list[str]:
    found = []
    for path in committed():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
            for number, line in enumerate(text.splitlines(), 1)
            if re.search(pattern, line, re.IGNORECASE)
        ]
    return found


def test_no_committed_file_names_a_package_registry():
    # Spelt in pieces, or this file would be found.
    hosts = "|".join(["py" + "pi", "python" + "hosted", "npm" + "js", "deb" + "ian"])
    assert lines_matching(rf"(https?://|//|@)([a-z0-9-]+\.)*({hosts})\.(org|com)") == []


def test_no_committed_file_names_a_path_of_the_machine_it_was_written_on():
    roots = "|".join(["wo" + "rk", "fa" + "rm"])
    assert lines_matching(rf"(^|[^A-Za-z0-9_.])/({roots})/[a-z.]") == []


@pytest.mark.parametrize("folder", ["services/executor/host", "services/executor/compat"])
def test_what_runs_inside_a_plugin_imports_no_platform_code(folder: str):
    forbidden = {"services", "shared", "deploy", "tests"}
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom) and not node.level
                else []
            )
            found += [f"{path}:{name}" for name in names if name.split(".")[0] in forbidden]
    assert found == []


def test_no_module_outgrows_its_subject():
    # A floor for the habit of small files: at 350 lines a file asks whether it is one thing.
    sources = [path for path in committed() if path.suffix in {".py", ".ts", ".tsx"}]
    written = [path for path in sources if ".gen." not in path.name and "golden" not in path.parts]
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in written
    }
    assert {name: length for name, length in lengths.items() if length > 350} == {}


def test_ci_runs_make_test_and_nothing_else():
    script = ROOT / ".ci" / "run"
    mode = subprocess.run(
        ["git", "ls-files", "--stage", ".ci/run"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split()[0]
    assert mode == "100755"
    commands = [
        line for line in script.read_text().splitlines() if line and not line.startswith(("#", "set ", "cd "))
    ]
    assert commands == ["exec make test"]
