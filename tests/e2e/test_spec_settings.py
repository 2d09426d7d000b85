"""Settings: stored as they are given, and in the context of the next run."""

import textwrap
from collections.abc import Callable

import pytest

from tests.e2e.platform import Api, Platform
from tests.e2e.written import Written
from tests.spec.fragments import block

# The block's fields, one of every older type besides, and a `run` that shows what it gets.
REST = """
    fields += [
        {"id": "limit", "label": "Limit", "type": "number", "default": 10, "min": 1, "max": 100, "step": 1},
        {"id": "on", "label": "On", "type": "boolean", "default": True},
        {"id": "mode", "label": "Mode", "type": "select", "default": "a", "options": [{"value": "a", "label": "A"}, {"value": "b", "label": "B"}]},
    ]
    def run(self, action, params, context):
        return context["settings"]
"""
DEFAULTS = {"api_key": "", "limit": 10, "on": True, "mode": "a"}


@pytest.mark.timeout(120)  # starts a platform twice
def test_settings_persist_and_reach_run(own_platform: Callable[..., Platform]) -> None:
    mine = own_platform()
    mine.start()
    source = f"class Plugin:\n{textwrap.indent(block('settings-fields'), '    ')}{REST}"
    with mine.client() as http:
        api = Api(http)
        key = Written(mine, api).enabled("my_plugin", {"plugin.py": source})
        path = f"/api/plugins/plugins/{key}/settings/"
        assert api.await_plugin(key)["settings"] == {}
        assert api.result(key, "x") == DEFAULTS

        stored = {"api_key": "k-1", "limit": 20, "unknown": {"kept": [1]}}
        answer = http.post(path, json={"settings": stored})
        assert (answer.status_code, answer.json()) == (200, {"success": True, "settings": stored})
        assert api.result(key, "x") == {**DEFAULTS, **stored}
        assert api.await_plugin(key)["settings"] == stored

        # Each is refused with the field's path, and nothing of it is stored.
        for field, value in {"limit": 101, "on": "perhaps", "mode": "c", "api_key": 5}.items():
            refused = http.post(path, json={"settings": {field: value}})
            assert refused.status_code == 422, refused.text
            assert refused.json()["path"] == f"settings.{field}"
        assert api.result(key, "x") == {**DEFAULTS, **stored}

        api.enable(key, enabled=False)
        assert api.enable(key)["settings"] == stored
    mine.stop()
    mine.start()
    with mine.client() as http:
        assert Api(http).await_plugin(key, loaded=True)["settings"] == stored
        assert Api(http).result(key, "x") == {**DEFAULTS, **stored}
