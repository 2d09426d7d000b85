"""`plugin.json`: what an author declares beside the code."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from shared.contracts.manifest import ATTRIBUTES
from shared.manifests.findings import Findings
from shared.manifests.shapes import Shaper

FILE: Final = "plugin.json"
MAX_BYTES: Final = 1024 * 1024
SAID: Final = frozenset({*ATTRIBUTES, "execution"})


@dataclass(slots=True)
class Declared:
    """What the file says; everything is empty where it says nothing or cannot be read."""

    usable: bool = False
    """Whether there is a `plugin.json` and it is an object; else the plugin is a legacy one."""
    said: dict[str, Any] = field(default_factory=dict)
    """name … pages and execution, JSON-shaped, not yet validated."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Every other key, JSON-shaped: passed through."""


def read_plugin_json(  # noqa: PLR0911 - one return per way to be unreadable
    folder: Path, findings: Findings
) -> Declared:
    """Read the file. Never raises; a file that is not an object is a warning and makes a legacy plugin."""
    file = folder / FILE
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Declared()
    except OSError as error:
        findings.warning(FILE, f"cannot be read: {error.strerror}", "mend the file's permissions")
        return Declared()
    if len(data) > MAX_BYTES:
        findings.warning(FILE, f"is larger than {MAX_BYTES // 1024} KiB and was not read", "say less")
        return Declared()
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        findings.warning(f"{FILE}:{error.lineno}", f"is not valid JSON: {error.msg}", "mend the syntax")
        return Declared()
    except (ValueError, RecursionError) as error:
        findings.warning(FILE, f"is not valid JSON: {error}", "save it as UTF-8 text, not nested too deeply")
        return Declared()
    if not isinstance(document, dict):
        findings.warning(FILE, "is not an object; the plugin is treated as one without it", "write {…}")
        return Declared()
    shaper = Shaper(findings)
    shaped = {key: shaper.shape(value, (key,)) for key, value in document.items()}
    return Declared(
        usable=True,
        said={key: value for key, value in shaped.items() if key in SAID},
        extra={key: value for key, value in shaped.items() if key not in SAID},
    )
