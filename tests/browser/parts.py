"""A plugin whose pages are the components under test, and which notes what its actions were given."""

import json
from typing import Any

from playwright.sync_api import Locator, Page

from tests.e2e.platform import Api, wait_until
from tests.e2e.written import Written

SOURCE = """
    import json, time
    from pathlib import Path
    from apps.plugins.models import PluginData

    try:
        import plugarr
    except ImportError:
        plugarr = None

    SAID = json.loads((Path(__file__).parent / "said.json").read_text())

    class Plugin:
        name = SAID.get("name", "Parts")
        navigation = {"label": name}
        pages = SAID["pages"]

        def run(self, action, params, context):
            PluginData.objects.add_to_collection(SAID["key"], "notes", {"action": action, "params": params})
            if action == "fail":
                return {"status": "error", "message": "It failed on purpose"}
            if action == "slow":
                until = time.monotonic() + float(params.get("s", 3))
                while time.monotonic() < until:
                    time.sleep(0.05)
                return {"status": "ok", "message": "Slowly done"}
            if action == "steps":
                for step in range(1, 4):
                    context["logger"].info("step %d", step)
                    plugarr.progress(step, 4, f"at {step}")
                    time.sleep(0.1)  # what is told at once is told as one
                    while step == params.get("wait_after") and not PluginData.objects.get_collection_data(SAID["key"], "go"):
                        time.sleep(0.05)
                return {"status": "ok", "message": "Stepped"}
            if action == "reorder":
                for item in params["items"]:
                    record = next(
                        one for one in PluginData.objects.get_collection_data(SAID["key"], "ordered")
                        if one["_id"] == item["_id"]
                    )
                    rest = {k: v for k, v in record.items() if k != "_id"}
                    PluginData.objects.update_in_collection(
                        SAID["key"], "ordered", item["_id"], rest | {"order": item["order"]}
                    )
                return {"status": "ok"}
            if action == "look":
                count = len(PluginData.objects.get_collection_data(SAID["key"], "looks"))
                PluginData.objects.add_to_collection(SAID["key"], "looks", {"n": count})
                return {"status": "ok", "count": count, "done": count >= 1}
            return {"status": "ok", "message": f"Did {action}"}
"""


class Parts:
    """The plugin on the platform, and its pages in a browser."""

    def __init__(self, written: Written, key: str, pages: dict[str, Any]) -> None:
        self.key = key
        self.api: Api = written.api
        said = json.dumps({"key": key, "pages": pages})
        written.enabled(key, {"plugin.py": SOURCE, "said.json": said})

    def path(self, page: str | None = None) -> str:
        return f"/plugins/{self.key}" + (f"/{page}" if page else "")

    def visit(self, page: Page, name: str | None = None) -> Locator:
        """Open a page of the plugin; what is drawn there."""
        page.goto(self.path(name))
        shown = page.locator("[data-plugin-page]")
        shown.wait_for()
        return shown

    def put(self, collection: str, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
        answer = self.api.http.put(f"/api/plugins/{self.key}/data/{collection}/bulk/", json=documents)
        assert answer.status_code == 200, answer.text
        stored: list[dict[str, Any]] = answer.json()["data"]
        return stored

    def data(self, collection: str) -> list[dict[str, Any]]:
        answer = self.api.http.get(f"/api/plugins/{self.key}/data/{collection}/")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    def noted(self, action: str) -> dict[str, Any]:
        """The params of the last run of an action, as soon as there is one that was not asked for yet."""

        def look() -> list[dict[str, Any]]:
            return [note for note in self.data("notes") if note["action"] == action]

        notes = wait_until(look, 15, lambda: self.data("notes"))
        for note in notes:
            self.api.http.delete(f"/api/plugins/{self.key}/data/notes/{note['_id']}/")
        params: dict[str, Any] = notes[-1]["params"]
        return params


def css(locator: Locator, name: str) -> str:
    """The computed value of a property."""
    value: str = locator.evaluate("(element, name) => getComputedStyle(element).getPropertyValue(name)", name)
    return value


def notice(page: Page, text: str) -> Locator:
    """A notification that says so."""
    return page.locator("[data-outcome]").filter(has_text=text)
