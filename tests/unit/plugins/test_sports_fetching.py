"""Each way in which a download fails gives a message that a user understands, and changes no event."""

import gzip
import http.server
import socket
import sys
import time

import pytest

from .conftest import ICS, PACKAGE, Sports, Web

LEAGUE = (ICS / "football_league.ics").read_bytes()


def failure(sports: Sports, url: str) -> str:
    calendar = sports.add(url)
    kept = {"title": "From before", "calendar_id": calendar, "uid": "x", "start": "2026-08-10T00:00:00Z"}
    sports.data.add_to_collection("sports_calendar", "events", kept)
    before = sports.events()
    result = sports.run("sync_calendar", _id=calendar)
    assert result["status"] == "error", result
    assert sports.events() == before
    stored = sports.calendars()[-1]
    assert stored["status"] == "error"
    assert result["message"] == f"League: {stored['message']}"
    return str(stored["message"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<!DOCTYPE html><html><body>Please log in</body></html>", "a web page, not a calendar"),
        (b"\xef\xbb\xbf \r\n<html></html>", "a web page, not a calendar"),
        (b'{"error": "no"}', "does not begin with BEGIN:VCALENDAR"),
        (b"", "The answer is empty"),
        (b"\x00\x00", "The answer is empty"),
        ((ICS / "empty.ics").read_bytes(), "The calendar is empty: it holds no events at all"),
        (LEAGUE[: len(LEAGUE) // 2], "cut off: its end is missing"),
        (b"BEGIN:VCALENDAR\r\nNONSENSE\r\nEND:VCALENDAR\r\n", "damaged and cannot be read"),
        (b"BEGIN:VCALENDAR END:VCALENDAR", "The calendar is empty"),
    ],
)
def test_what_is_no_calendar_is_said_to_be_none(sports: Sports, web: Web, body: bytes, message: str) -> None:
    assert message in failure(sports, web.answer("/x", body))


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "asks for a login"),
        (403, "refuses access"),
        (404, "knows no calendar at this address"),
        (410, "gone for good"),
        (418, "refused (HTTP 418)"),
        (429, "too many requests"),
        (500, "has trouble of its own. Try again later (HTTP 500)"),
        (503, "has trouble of its own"),
        (304, "refused (HTTP 304)"),
    ],
)
def test_an_http_error_is_explained(sports: Sports, web: Web, status: int, message: str) -> None:
    assert message in failure(sports, web.answer("/x", b"", status))


def test_an_answer_that_says_it_is_50_mb_is_not_read(sports: Sports, web: Web) -> None:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(50 * 1024**2))
        handler.end_headers()

    assert "larger than 10 MB" in failure(sports, web.call("/big", answer))


def endless(web: Web, sent: list[int], pause: float = 0, piece: bytes = b"x" * 65536):
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not web.stopping.wait(pause):
            handler.wfile.write(piece)
            sent.append(len(piece))

    return answer


def test_an_answer_of_50_mb_that_says_nothing_is_given_up_early(sports: Sports, web: Web) -> None:
    sent: list[int] = []
    assert "larger than 10 MB" in failure(sports, web.call("/big", endless(web, sent)))
    assert sum(sent) < 50 * 1024**2


def test_a_small_answer_that_unpacks_to_50_mb_is_given_up(sports: Sports, web: Web) -> None:
    body = gzip.compress(b"BEGIN:VCALENDAR\r\n" + b"x" * 50 * 1024**2)
    assert "larger than 10 MB" in failure(
        sports, web.answer("/bomb", body, headers={"Content-Encoding": "gzip"})
    )


@pytest.mark.parametrize("piece", [b"x", b""], ids=["letter-by-letter", "silent"])
def test_a_slow_answer_ends_at_the_deadline(sports: Sports, web: Web, piece: bytes) -> None:
    sports.settings["download_timeout"] = 1
    started = time.monotonic()
    message = failure(sports, web.call("/slow", endless(web, [], 0.05, piece)))
    assert "too slowly" in message or "did not answer within 1 seconds" in message
    assert time.monotonic() - started < 5


def test_headers_that_come_letter_by_letter_end_at_the_deadline(sports: Sports, web: Web) -> None:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not web.stopping.wait(0.05):
            handler.wfile.write(b"x")

    sports.settings["download_timeout"] = 1
    assert "did not answer within 1 seconds" in failure(sports, web.call("/slow", answer))


def test_a_server_that_says_nothing_is_a_time_out(sports: Sports, web: Web) -> None:
    sys.modules[f"{PACKAGE}.fetch"].READ_TIMEOUT_S = 0.2  # type: ignore[attr-defined]
    url = web.call("/silent", lambda _: bool(web.stopping.wait(10)) and None)
    assert "did not answer in time" in failure(sports, url)


def test_a_refused_connection_is_said(sports: Sports, web: Web) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert "the connection was refused" in failure(sports, f"http://127.0.0.1:{port}/a.ics")


def test_an_unknown_host_is_said(sports: Sports, web: Web) -> None:
    assert "calendar.invalid cannot be" in failure(sports, "http://calendar.invalid/a.ics")


def test_a_connection_that_breaks_off_is_said(sports: Sports, web: Web) -> None:
    def half(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(LEAGUE)))
        handler.end_headers()
        handler.wfile.write(LEAGUE[:500])

    assert "broke off" in failure(sports, web.call("/half", half))
    assert "closed the connection" in failure(sports, web.call("/nothing", lambda _: None))


def test_a_body_that_is_not_what_its_encoding_says_is_said(sports: Sports, web: Web) -> None:
    assert "broke off" in failure(sports, web.answer("/x", b"no gzip", headers={"Content-Encoding": "gzip"}))


def test_an_answer_in_chunks_is_read_whole(sports: Sports, web: Web) -> None:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for start in range(0, len(LEAGUE), 700):
            piece = LEAGUE[start : start + 700]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")

    result = sports.run("sync_calendar", _id=sports.add(web.call("/chunks", answer)))
    assert result["event_count"] == 2


def test_redirects_are_followed_and_bounded(sports: Sports, web: Web) -> None:
    web.answer("/new", LEAGUE)
    web.answer("/old", status=301, headers={"Location": "/new"})
    assert sports.run("sync_calendar", _id=sports.add(web.url + "/old"))["status"] == "ok"
    sports.run("delete_calendar", _id=sports.calendars()[0]["_id"])
    web.answer("/loop", status=302, headers={"Location": "/loop"})
    assert "redirects more than 5 times" in failure(sports, web.url + "/loop")
    assert sum(path == "/loop" for path, _ in web.requests) == 6


def test_a_redirect_to_a_file_is_refused(sports: Sports, web: Web) -> None:
    url = web.answer("/file", status=302, headers={"Location": "file:///etc/passwd"})
    assert "an address that cannot be fetched" in failure(sports, url)


def test_messages_do_not_tell_the_secret_address(sports: Sports, web: Web) -> None:
    url = web.answer("/private-token/basic.ics", status=403).replace("http://", "http://me:secret@")
    message = failure(sports, url)
    assert "token" not in message
    assert "secret@" not in message


def conditional(web: Web) -> str:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        unchanged = handler.headers["If-None-Match"] == '"v1"'
        handler.send_response(304 if unchanged else 200)
        handler.send_header("ETag", '"v1"')
        handler.send_header("Last-Modified", "Sat, 01 Aug 2026 10:00:00 GMT")
        handler.end_headers()
        if not unchanged:
            handler.wfile.write(LEAGUE)

    return web.call("/etag.ics", answer)


def test_an_unchanged_calendar_is_not_downloaded_again(sports: Sports, web: Web) -> None:
    calendar = sports.add(conditional(web))
    first = sports.run("sync_calendar", _id=calendar)
    before = sports.events()
    again = sports.run("sync_calendar", _id=calendar)
    assert (first["event_count"], again["event_count"]) == (2, 2)
    assert "unchanged" in again["message"]
    assert sports.events() == before
    asked = web.requests[-1][1]
    assert asked["If-None-Match"] == '"v1"'
    assert asked["If-Modified-Since"] == "Sat, 01 Aug 2026 10:00:00 GMT"


def test_another_window_or_missing_events_ask_for_the_whole_calendar(sports: Sports, web: Web) -> None:
    calendar = sports.add(conditional(web))
    sports.run("sync_calendar", _id=calendar)
    sports.settings["days_ahead"] = 90
    assert sports.run("sync_calendar", _id=calendar)["event_count"] == 4
    sports.data.clear_collection("sports_calendar", "events")
    assert sports.run("sync_calendar", _id=calendar)["event_count"] == 4
    assert len(sports.events()) == 4
    assert not any("If-None-Match" in headers for _, headers in web.requests)
