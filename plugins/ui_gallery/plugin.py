"""Shows every component of plugin pages, alive, beside the source that makes it."""

import logging
import time
from collections.abc import Callable

from . import store
from .examples import PAGES

try:
    import plugarr
except ImportError:  # plain Dispatcharr: no progress to tell, no run to cancel
    plugarr = None


class Plugin:
    name = "UI Gallery"
    version = "1.0.0"
    description = "Every component of plugin pages, alive, beside its source"

    actions = [
        {
            "id": "reset",
            "label": "Reset the examples",
            "description": "Puts the example data back",
            "confirm": {"title": "Reset?", "message": "What you changed in the examples is lost."},
        },
    ]
    navigation = {"label": "UI Gallery", "icon": "palette", "position": "bottom"}
    pages = PAGES

    def on_enable(self, context: dict) -> None:  # noqa: ARG002 - the platform hands it in
        store.fill()

    def run(self, action: str, params: dict, context: dict) -> dict:
        if action == "count":
            return self._count(params, context["logger"])
        handler = HANDLERS.get(action)
        if handler is None:
            return {"status": "error", "message": f"Unknown action: {action}"}
        return handler(params)

    def _count(self, params: dict, logger: logging.Logger) -> dict:
        """Takes a few seconds, tells how far it is, and can be cancelled."""
        total = int(params.get("steps") or 8)
        for done in range(total):
            if plugarr and plugarr.cancelled():
                return {"status": "error", "message": f"Cancelled at {done} of {total}"}
            logger.info("Step %d of %d", done + 1, total)
            if plugarr:
                plugarr.progress(done, total, f"step {done + 1}")
            time.sleep(float(params.get("pause") or 0.5))
        logger.warning("That was the last one")
        if plugarr:
            plugarr.progress(total, total, "done")
        return {"status": "ok", "message": f"Counted to {total}"}


def hello(params: dict) -> dict:
    name = params.get("name") or "you"
    return {"status": "ok", "message": f"Hello, {name}!"}


def fail(_params: dict) -> dict:
    return {"status": "error", "message": "This is what an error looks like."}


def save(params: dict) -> dict:
    shown = ", ".join(f"{key} = {value!r}" for key, value in params.items())
    return {"status": "ok", "message": f"Got {shown or 'nothing'}"}


def save_team(params: dict) -> dict:
    if not str(params.get("name") or "").strip():
        return {"status": "error", "message": "A team needs a name"}
    name = store.save_team(params)
    return {"status": "ok", "message": f"Saved {name}"}


def delete_team(params: dict) -> dict:
    store.remove_team(params["_id"])
    return {"status": "ok", "message": f"Deleted {params.get('name')}"}


def delete_teams(params: dict) -> dict:
    for number in params["ids"]:
        store.remove_team(number)
    return {"status": "ok", "message": f"Deleted {len(params['ids'])} teams"}


def status(_params: dict) -> dict:
    now = time.strftime("%H:%M:%S", time.gmtime())
    return {"status": "ok", "time": now, "teams": store.count_teams()}


def upload(params: dict) -> dict:
    files = params.get("files") or [params["file"]]
    sizes = ", ".join(f"{file['name']} ({file['size']} bytes)" for file in files)
    return {"status": "ok", "message": f"Got {sizes}"}


def reset(_params: dict) -> dict:
    store.fill(anew=True)
    return {"status": "ok", "message": "The examples are as they were"}


HANDLERS: dict[str, Callable[[dict], dict]] = {
    "hello": hello,
    "fail": fail,
    "save": save,
    "save_team": save_team,
    "delete_team": delete_team,
    "delete_teams": delete_teams,
    "status": status,
    "upload": upload,
    "reset": reset,
}
