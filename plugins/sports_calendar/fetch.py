"""Downloads a calendar, bounded in size, time and redirects.

Every way in which a download can go wrong ends as a `FetchError` whose text a user understands.
The texts name the host only: the address of a private calendar is a secret.
"""

import contextlib
import queue
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
import urllib3

MAX_BYTES = 10 * 1024 * 1024
MAX_REDIRECTS = 5
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 10.0
CHUNK_BYTES = 64 * 1024
WAIT_S = 0.5  # no longer at a time: a cancel reaches a thread only between two waits
USER_AGENT = "Dispatcharr-Sports-Calendar/2.0"

HTTP_ERRORS = {
    401: "asks for a login. Use the calendar's secret address, or put user:password@ into the URL",
    403: "refuses access. Is the calendar shared publicly, or is this not its secret address?",
    404: "knows no calendar at this address. Check the URL",
    410: "says that this calendar is gone for good",
    429: "has had too many requests. Try again later",
}


class FetchError(Exception):
    """The download failed; the text says why, to a user."""


@dataclass(frozen=True)
class Download:
    """What the server answered; `body` is None where it says that nothing changed since `etag`."""

    body: bytes | None
    etag: str
    last_modified: str


def normalize_url(text: str) -> str:
    """Return the http(s) URL that `text` means; webcal:// is how calendar sites write https://."""
    url = text.strip()
    if not url:
        raise FetchError("Enter the URL of a calendar")
    scheme, separator, rest = url.partition("://")
    if separator and scheme.lower() in ("webcal", "webcals"):
        url = f"https://{rest}"
    try:
        parts = urlsplit(url)
        complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # such as a port that is no number, or half of an IPv6 address
        complete = False
    if not complete or any(character.isspace() for character in url):
        raise FetchError("This is no valid URL. It should look like https://example.com/calendar.ics")
    return url


def fetch(url: str, *, etag: str = "", last_modified: str = "", deadline_s: float = 30.0) -> Download:
    """Download `url`, unless the server says that it is what `etag` or `last_modified` named."""
    url = normalize_url(url)
    conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    headers = {name: value for name, value in conditions.items() if value}
    answer: queue.SimpleQueue[Download | FetchError] = queue.SimpleQueue()

    def work() -> None:
        try:
            answer.put(_download(url, headers, time.monotonic() + deadline_s))
        except FetchError as error:
            answer.put(error)
        except Exception as error:  # noqa: BLE001 - the border of a thread: the caller must hear of everything
            answer.put(FetchError(f"The download failed: {type(error).__name__}"))

    # A thread, because time-outs count from byte to byte: a server that sends a header
    # a letter at a time would keep us for ever, and only waiting elsewhere ends that.
    threading.Thread(target=work, name="calendar-download", daemon=True).start()
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        with contextlib.suppress(queue.Empty):
            result = answer.get(timeout=WAIT_S)
            if isinstance(result, FetchError):
                raise result
            return result
    raise _too_slow(url, deadline_s)


def _download(url: str, headers: dict[str, str], deadline: float) -> Download:
    host = urlsplit(url).hostname
    try:
        with requests.Session() as session:
            session.max_redirects = MAX_REDIRECTS
            session.headers.update({"User-Agent": USER_AGENT, "Accept": "text/calendar, */*;q=0.5"})
            timeouts = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
            with session.get(url, headers=headers, stream=True, timeout=timeouts) as response:
                return _read(response, deadline, conditional=bool(headers))
    except requests.TooManyRedirects:
        raise FetchError(f"{host} redirects more than {MAX_REDIRECTS} times") from None
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, UnicodeError):
        raise FetchError(f"{host} is, or redirects to, an address that cannot be fetched") from None
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        raise FetchError(f"{host} did not answer in time. Try again later") from None
    except requests.exceptions.SSLError:
        raise FetchError(f"{host} has no valid certificate, so nobody knows who it is") from None
    except requests.ConnectionError as error:
        raise FetchError(f"{host} {_connection_trouble(error)}") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError):
        raise FetchError(f"The connection to {host} broke off. Try again") from None


def _read(response: requests.Response, deadline: float, *, conditional: bool) -> Download:
    host = urlsplit(response.url).hostname
    if response.status_code == 304 and conditional:
        return Download(None, response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""))
    if response.status_code != 200:
        trouble = HTTP_ERRORS.get(response.status_code)
        if trouble is None:
            trouble = "has trouble of its own. Try again later" if response.status_code >= 500 else "refused"
        raise FetchError(f"{host} {trouble} (HTTP {response.status_code})")
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced[:15]) > MAX_BYTES:
        raise _too_large(host)
    body = bytearray()
    # read1 returns what has come: a read of whole chunks would wait for the last byte of each.
    while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > MAX_BYTES:
            raise _too_large(host)
        if time.monotonic() > deadline:
            raise FetchError(f"{host} sends too slowly. Try again later")
    return Download(bytes(body), response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""))


def _too_large(host: str | None) -> FetchError:
    return FetchError(
        f"The answer of {host} is larger than {MAX_BYTES // 1024**2} MB: too large for a calendar"
    )


def _too_slow(url: str, deadline_s: float) -> FetchError:
    return FetchError(
        f"{urlsplit(url).hostname} did not answer within {deadline_s:g} seconds. Try again later"
    )


def _connection_trouble(error: requests.ConnectionError) -> str:
    """Say in words what requests wraps three exceptions deep."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return "cannot be found. Check the URL"
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return "cannot be reached: the connection was refused. Check the URL, or try again later"
    return "closed the connection. Try again later"
