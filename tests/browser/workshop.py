"""A plugin with everything that the pages of the shell show, and whose long action ends when a test says so."""

from pathlib import Path

from tests.e2e.written import Written

SOURCE = """
    import time
    from pathlib import Path
    import plugarr
    from core.utils import send_websocket_update

    class Plugin:
        name = "Workshop"
        version = "0.4.1"
        author = "The tests"
        description = "Shows what the shell can show."
        help_url = "https://example.org/workshop"
        navigation = {"label": "Workshop", "icon": "tools", "badge": 3, "position": 5}
        pages = {"main": {"title": "Workshop", "components": [
            {"type": "text", "content": "Welcome to the workshop"}, {"type": "no_such_component"}]}}
        fields = [
            {"id": "region", "label": "Region", "type": "select", "default": "eu",
             "options": [{"value": "eu", "label": "Europe"}, {"value": "us", "label": "America"}]},
            {"id": "token", "label": "Token", "type": "string", "input_type": "password", "required": True},
            {"id": "limit", "label": "Limit", "type": "number", "min": 1, "max": 100, "default": 10},
            {"id": "_section_more", "label": "More", "type": "info"},
            {"id": "loud", "label": "Loud", "type": "boolean", "default": False},
            {"id": "strange", "label": "Strange", "type": "no_such_type"},
        ]
        actions = [
            {"id": "greet", "label": "Greet", "description": "Says something."},
            {"id": "break", "label": "Break", "button_label": "Break it", "button_color": "red",
             "button_variant": "outline"},
            {"id": "quiet", "label": "Quiet one"},
            {"id": "slow", "label": "Count", "confirm": {"title": "Really count?", "message": "It takes long."}},
            {"id": "list", "label": "List channels", "confirm": True},
            {"id": "words", "label": "Many words"},
            {"id": "tell", "label": "Tell all"},
            {"id": "nested", "label": "Nested"},
        ]

        def run(self, action, params, context):
            if action == "greet":
                return {"status": "ok", "message": "Hello from the workshop"}
            if action == "break":
                raise ValueError("the workshop is closed")
            if action == "list":
                rows = [{"id": n, "name": f"Channel {n}", "live": n % 2 == 0} for n in range(1, 131)]
                return {"status": "ok", "message": "130 channels", "count": 130, "results": rows}
            if action == "words":
                return {"status": "error", "message": "It went wrong, and at length. " * 100}
            if action == "tell":
                send_websocket_update("updates", "update", {
                    "type": "plugin", "plugin": "workshop", "message": "Told everybody"})
                return {"status": "ok"}
            if action == "slow":
                go = Path("/data") / params.get("go", "workshop-go")
                for n in range(1, 6):
                    context["logger"].info("counted %d", n)
                context["logger"].warning("something odd")
                plugarr.progress(2, 5, "Counting")
                until = time.monotonic() + 90
                while not go.exists() and not plugarr.cancelled() and time.monotonic() < until:
                    time.sleep(0.05)
                context["logger"].info("counted all")
                return {"status": "ok", "message": "Counted"}
            return {"status": "ok"}
"""


def enabled(written: Written) -> str:
    """Write and enable it; its key."""
    return written.enabled("workshop", SOURCE)


def let_go(written: Written, name: str = "workshop-go") -> Path:
    """End the long actions that wait for that name."""
    path = written.note(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path
