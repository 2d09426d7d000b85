"""One log for all: each line with the time, the service's name in its colour, the level and the event."""

import json
import sys
from typing import Any, Final, TextIO

from rich.console import Console
from rich.text import Text

COLOURS: Final = (
    "cyan",
    "green",
    "magenta",
    "yellow",
    "blue",
    "bright_cyan",
    "bright_green",
    "bright_magenta",
)
_LEVELS: Final = {"warning": "yellow", "error": "red", "critical": "bold red", "debug": "dim"}
_HIDDEN: Final = frozenset({"timestamp", "level", "event", "service", "instance", "exception", "logger"})


class LogConsole:
    """Prints the children's lines; `raw` passes them on as they are, one JSON object a line."""

    def __init__(self, *, raw: bool = False, out: TextIO | None = None) -> None:
        self.raw = raw
        self.rich = Console(file=out or sys.stdout, highlight=False, soft_wrap=True)
        self._colours: dict[str, str] = {}

    def say(self, message: str, *, style: str = "bold") -> None:
        """A line of the supervisor's own."""
        self.line("plugarr", json.dumps({"event": message, "level": "info"}), style=style)

    def line(self, name: str, line: str, *, style: str | None = None) -> None:
        """A line that a child wrote: structured, or whatever it is."""
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            entry = {"event": line}
        if self.raw:
            self.rich.out(json.dumps({"service": name, **entry}, default=str))
            return
        self.rich.print(self._rendered(name, entry, style))
        if "exception" in entry:
            self.rich.print(Text(str(entry["exception"]), style="dim"))

    def _rendered(self, name: str, entry: dict[str, Any], style: str | None) -> Text:
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        level = str(entry.get("level", "info"))
        text = Text()
        text.append(f"{str(entry.get('timestamp', ''))[11:19]:8} ", style="dim")
        text.append(f"{name:<12} ", style=colour)
        text.append(str(entry.get("event", "")), style=style or _LEVELS.get(level, ""))
        for key, value in entry.items():
            if key not in _HIDDEN:
                text.append(f" {key}=", style="dim")
                text.append(value if isinstance(value, str) else json.dumps(value, default=str), style="dim")
        return text
