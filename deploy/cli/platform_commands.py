"""Commands that ask a running platform: plugins, run, logs, token."""

import json
import time
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.prompt import Prompt

from deploy.cli.api import DEFAULT_DATA_DIR, Api, DataDirOption, KeyOption, UrlOption, api, base_url, save_key
from deploy.cli.output import err, fail, out, table

FINAL_STATES = frozenset({"succeeded", "failed", "cancelled", "timed_out", "lost"})


def plugins(
    *,
    url: UrlOption = None,
    api_key: KeyOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    as_json: Annotated[bool, typer.Option("--json", help="The gateway's own answer.")] = False,
) -> None:
    """List the plugins."""
    found = api(url, api_key, data_dir).call("GET", "/api/plugins/plugins/")["plugins"]
    if as_json:
        out.print_json(data=found)
        return
    rows = [
        [p["key"], p["name"], p["version"], _state_of(p), ", ".join(a["id"] for a in p["actions"])]
        for p in found
    ]
    table(f"{len(found)} plugins", ["key", "name", "version", "state", "actions"], rows)
    for plugin in found:
        for fault in plugin.get("errors", []):
            said = escape(f"{plugin['key']}: {fault.get('path') or ''} {fault['message']}")
            err.print(f"[red]{said}[/]")


def enable(
    key: Annotated[str, typer.Argument(help="The plugin's key.")],
    *,
    url: UrlOption = None,
    api_key: KeyOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Enable a plugin: its code is loaded and may run from now on."""
    plugin = _switch(api(url, api_key, data_dir), key, enabled=True)
    if not plugin["loaded"]:
        for fault in plugin.get("errors", []):
            err.print(f"[red]{key}[/]: {fault['message']}")
        fail(f"{key} is enabled but could not be loaded; mend it, and it is loaded anew.")
    out.print(f"{key} is enabled")


def disable(
    key: Annotated[str, typer.Argument(help="The plugin's key.")],
    *,
    url: UrlOption = None,
    api_key: KeyOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Disable a plugin: it is stopped, its settings and data stay."""
    _switch(api(url, api_key, data_dir), key, enabled=False)
    out.print(f"{key} is disabled")


def run(
    key: Annotated[str, typer.Argument(help="The plugin's key.")],
    action: Annotated[str, typer.Argument(help="The action's id.")],
    *,
    params: Annotated[str, typer.Option(help='JSON object, e.g. \'{"name": "x"}\'.')] = "{}",
    wait: Annotated[float, typer.Option(min=0, max=300, help="Seconds to wait for the result.")] = 30.0,
    url: UrlOption = None,
    api_key: KeyOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Run an action of a plugin and print its result; exit code 1 where it failed."""
    try:
        given = json.loads(params)
    except ValueError as error:
        fail(f"--params is not JSON: {error}", code=2)
    if not isinstance(given, dict):
        fail("--params must be a JSON object", code=2)
    answer = api(url, api_key, data_dir).raw(
        "POST",
        f"/api/plugins/plugins/{quote(key, safe='')}/run/",
        params={"wait": wait},
        json={"action": action, "params": given},
        timeout=wait + 30,
    )
    body = answer.json()
    out.print_json(data=body)
    if answer.status_code == 202:
        err.print(f"It goes on: `plugarr logs {body['run_id']} --follow`")
    if not answer.ok:
        raise typer.Exit(1)


def logs(
    run_id: Annotated[str | None, typer.Argument(help="A run; by default the newest.")] = None,
    *,
    plugin: Annotated[str | None, typer.Option(help="The newest run of this plugin.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")] = False,
    url: UrlOption = None,
    api_key: KeyOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Print what a run logged."""
    gateway = api(url, api_key, data_dir)
    run_id = run_id or _newest(gateway, plugin)
    after = 0
    while True:
        state = gateway.call("GET", f"/api/runs/{run_id}")
        page = gateway.call("GET", f"/api/runs/{run_id}/log", params={"after": after})
        for line in page["lines"]:
            out.print(
                f"{line.get('time', '')} {line.get('level', ''):7} {line.get('message', '')}", markup=False
            )
        after = page["last_seq"] or after
        if page["more"]:
            continue
        ended = _run_of(state)["state"] in FINAL_STATES
        if ended or not follow:
            return
        time.sleep(0.5)


token = typer.Typer(help="API keys for commands and other programs.", no_args_is_help=True)


@token.command("create")
def token_create(
    *,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "cli",
    username: Annotated[
        str | None, typer.Option(envvar="PLUGARR_ADMIN_USER", help="Asked for where absent.")
    ] = None,
    password: Annotated[
        str | None,
        typer.Option(envvar="PLUGARR_ADMIN_PASSWORD", help="Asked for where absent; better not typed here."),
    ] = None,
    save: Annotated[
        bool, typer.Option("--save/--no-save", help="Keep it for this machine's commands.")
    ] = True,
    url: UrlOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Make an API key for a user, after logging in as that user; on first start, make the administrator too."""
    base = base_url(url, data_dir)
    first = Api(base, {}).call("GET", "/api/setup/")["needed"]
    if first:
        err.print("There is no user yet: choose the administrator's name and password.")
    username = username or Prompt.ask("User", console=err)
    password = password or Prompt.ask("Password", password=True, console=err)
    if first:
        Api(base, {}).call("POST", "/api/setup/", json={"username": username, "password": password})
    tokens = Api(base, {}).raw(
        "POST", "/api/accounts/token/", json={"username": username, "password": password}
    )
    if tokens.status_code == 401:
        fail("The user's name or password is wrong.")
    if not tokens.ok:
        fail(f"{tokens.status_code}: {tokens.text[:300]}")
    gateway = Api(base, {"Authorization": f"Bearer {tokens.json()['access']}"})
    made = gateway.call("POST", "/api/accounts/api-keys/", json={"name": name})
    out.print(made["secret"], markup=False)
    if save:
        err.print(f"Saved in {save_key(data_dir, made['secret'])} for `plugarr plugins`, `run` and `logs`.")


def _switch(gateway: Api, key: str, *, enabled: bool) -> dict[str, Any]:
    path = f"/api/plugins/plugins/{key}/enabled/"
    plugin: dict[str, Any] = gateway.call("POST", path, json={"enabled": enabled})["plugin"]
    return plugin


def _newest(gateway: Api, plugin: str | None) -> str:
    query = {"limit": 1, **({"plugin": plugin} if plugin else {})}
    runs = gateway.call("GET", "/api/runs/", params=query)["runs"]
    if not runs:
        fail("There are no runs yet.")
    return str(runs[0]["run_id"])


def _run_of(body: dict[str, Any]) -> dict[str, Any]:
    inner = body.get("run")
    return inner if isinstance(inner, dict) else body


def _state_of(plugin: dict[str, Any]) -> str:
    if plugin.get("missing"):
        return "missing"
    if not plugin.get("enabled"):
        return "disabled"
    return "loaded" if plugin.get("loaded") else "not loaded"
