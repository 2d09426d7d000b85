"""The gateway as the commands use it: found, authenticated, its errors told to people."""

import os
from pathlib import Path
from typing import Annotated, Any, Final

import requests
import typer

from deploy.cli.output import fail
from deploy.supervisor.data_dir import running_on

DEFAULT_DATA_DIR: Final = Path("data")
_SAVED: Final = "cli-api-key"
DataDirOption = Annotated[
    Path,
    typer.Option(envvar="PLUGARR_DATA_DIR", file_okay=False, help="State of the platform on this machine."),
]
UrlOption = Annotated[
    str | None, typer.Option(envvar="PLUGARR_URL", help="The gateway; by default the one that runs here.")
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        envvar="PLUGARR_API_KEY", help="An API key; by default the one `plugarr token create` saved."
    ),
]


class Api:
    """Requests to a gateway; a failure ends the command with what the gateway says."""

    def __init__(self, base: str, headers: dict[str, str]) -> None:
        self.base = base.rstrip("/")
        self._session = requests.Session()
        # The platform is asked directly: a proxy for the Internet has no business with it.
        self._session.trust_env = False
        self._session.headers.update(headers)

    def call(self, method: str, path: str, *, ok: tuple[int, ...] = (), **more: Any) -> Any:
        """The answer's JSON. Statuses in `ok` are answers too."""
        answer = self.raw(method, path, **more)
        if answer.ok or answer.status_code in ok:
            return answer.json() if answer.content else None
        if answer.status_code == 401:
            fail(
                "The gateway does not know you: pass --api-key, set PLUGARR_API_KEY, or run `plugarr token create`."
            )
        return fail(f"{answer.status_code}: {_detail(answer)}")

    def raw(self, method: str, path: str, **more: Any) -> requests.Response:
        """The answer itself; ends the command where nobody answers."""
        more.setdefault("timeout", 60)
        try:
            return self._session.request(method, f"{self.base}{path}", **more)
        except requests.RequestException as error:
            fail(f"No gateway answers at {self.base} ({type(error).__name__}): is `plugarr up` running?")


def base_url(url: str | None, data_dir: Path) -> str:
    """The gateway that was named, or the one that runs on the data directory."""
    if url:
        return url
    running = running_on(data_dir.expanduser().absolute())
    return running.gateway if running else f"http://localhost:{os.environ.get('PLUGARR_PORT', '9191')}"


def api(url: str | None, api_key: str | None, data_dir: Path) -> Api:
    """A gateway with the caller's key."""
    key = api_key or _saved_key(data_dir)
    return Api(base_url(url, data_dir), {"X-API-Key": key} if key else {})


def save_key(data_dir: Path, key: str) -> Path:
    """Keep an API key for this machine's commands, readable by this user only."""
    path = data_dir.expanduser().absolute() / "secrets" / _SAVED
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(key)
    return path


def _saved_key(data_dir: Path) -> str | None:
    try:
        return (data_dir.expanduser().absolute() / "secrets" / _SAVED).read_text().strip()
    except OSError:
        return None


def _detail(answer: requests.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return answer.text[:300]
    return str(body.get("detail") or body.get("error") or body)
