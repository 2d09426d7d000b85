"""A web server on loopback with one calendar, for what follows calendars."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Club:
    """A web server with one calendar, whose matches a test changes."""

    url: str = ""
    matches: dict[str, int] = field(default_factory=dict)
    """Title → days from now."""
    answered: list[int] = field(default_factory=list)

    def body(self) -> bytes:
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Club//EN"]
        for title, days in self.matches.items():
            start = datetime.now(UTC) + timedelta(days=days)
            lines += [
                "BEGIN:VEVENT", f"UID:{title}@club", "DTSTAMP:20200101T000000Z", f"DTSTART:{start:%Y%m%d}T190000Z",
                f"DTEND:{start:%Y%m%d}T210000Z", f"SUMMARY:{title}", "END:VEVENT",
            ]  # fmt: skip
        return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


@contextmanager
def served_club() -> Iterator[Club]:
    """The club, as long as its web server runs."""
    mine = Club()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = mine.body()
            tag = f'"{hash(body)}"'
            status = 304 if self.headers.get("If-None-Match") == tag else 200
            mine.answered.append(status)
            self.send_response(status)
            self.send_header("ETag", tag)
            self.send_header("Content-Type", "text/calendar")
            self.send_header("Content-Length", "0" if status == 304 else str(len(body)))
            self.end_headers()
            if status == 200:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    mine.url = f"http://127.0.0.1:{server.server_port}/club.ics"
    yield mine
    server.shutdown()
    server.server_close()
    thread.join()
