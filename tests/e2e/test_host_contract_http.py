"""What Dispatcharr's UI and tools rely on over HTTP: shapes, codes, levels, masks, imports, deletion."""

import io
import stat
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from tests.e2e.platform import Api, Platform
from tests.e2e.written import EVALUATING, Written

BARE = "class Plugin:\n    def run(self, action, params, context):\n        return {}\n"
UPSTREAM = {
    "key": str, "name": str, "version": str, "description": str, "author": str, "help_url": str, "enabled": bool,
    "ever_enabled": bool, "fields": list, "settings": dict, "actions": list, "missing": bool, "trusted": bool,
    "loaded": bool, "legacy": bool, "logo_url": str | None, "source_repo": str | None, "source_repo_name": str | None,
    "is_official_repo": bool, "slug": str | None, "is_managed": bool, "installed_version_is_prerelease": bool,
    "update_available": bool, "latest_version": str | None, "deprecated": bool,
}  # fmt: skip
OWN = {"navigation": dict | None, "pages": dict, "digest": str, "errors": list, "warnings": list}


def test_the_list_has_every_key_that_dispatcharr_has_and_plugarrs_own(api: Api) -> None:
    answer = api.http.get("/api/plugins/plugins/")
    assert answer.status_code == 200
    assert list(answer.json()) == ["plugins"]
    items = {item["key"]: item for item in answer.json()["plugins"]}
    for item in (items["hello"], items["sports_calendar"]):
        for name, kind in {**UPSTREAM, **OWN}.items():
            assert isinstance(item[name], kind), name
    unchanged = api.http.get("/api/plugins/plugins/", headers={"If-None-Match": answer.headers["ETag"]})
    assert unchanged.status_code == 304


def test_logos_are_public_and_named_by_an_absolute_url_or_null(
    api: Api, platform: Platform, written: Written
) -> None:
    url = api.plugins()["hello"]["logo_url"]
    assert url.startswith(platform.url)
    logo = httpx.get(url)
    assert (logo.status_code, logo.headers["Content-Type"]) == (200, "image/png")
    assert logo.content.startswith(b"\x89PNG")
    assert written.listed("plain", BARE)["logo_url"] is None
    assert httpx.get(f"{platform.url}/api/plugins/plugins/plain/logo/").status_code == 404


def test_enabled_takes_what_tools_send_and_nothing_else(api: Api, written: Written) -> None:
    key = written.write("switched", BARE)
    api.await_plugin(key)
    path = f"/api/plugins/plugins/{key}/enabled/"
    for words, wanted in (
        ([False, "false", 0, "0", "no", "off", "n", "OFF"], False),
        ([True, "true", 1, "1", "yes", "on", "y", "Yes"], True),
    ):
        for word in words:
            answer = api.http.post(path, json={"enabled": word})
            assert answer.status_code == 200, word
            body = answer.json()
            assert sorted(body) == ["enabled", "ever_enabled", "plugin", "success"]
            assert (body["success"], body["enabled"], body["ever_enabled"]) == (True, wanted, wanted)
            assert (body["plugin"]["key"], body["plugin"]["enabled"]) == (key, wanted)
    for given in ({"enabled": "maybe"}, {"enabled": 2}, {"enabled": None}, {"enabled": []}, {}, [True]):
        answer = api.http.post(path, json=given)
        assert (answer.status_code, answer.json()["success"]) == (400, False), given
    assert api.http.post(path.replace(key, "absent"), json={"enabled": True}).status_code == 404


def test_settings_replace_null_is_empty_and_anything_but_an_object_is_400(api: Api, written: Written) -> None:
    key = written.write("settled", BARE)
    api.await_plugin(key)
    path = f"/api/plugins/plugins/{key}/settings/"
    assert api.http.post(path, json={"settings": {"a": 1}}).json() == {"success": True, "settings": {"a": 1}}
    assert api.http.post(path, json={"settings": {"b": 2}}).json()["settings"] == {"b": 2}
    for given in ([], "text", 3, True, [["a", 1]]):
        assert api.http.post(path, json={"settings": given}).status_code == 400, given
    assert api.plugins()[key]["settings"] == {"b": 2}
    assert api.http.post(path, json={"settings": None}).json() == {"success": True, "settings": {}}
    assert api.http.post(path.replace(key, "absent"), json={"settings": {}}).status_code == 404


def test_run_requests_that_cannot_run_say_why(api: Api, written: Written) -> None:
    key = written.write("idle", BARE)
    api.await_plugin(key)
    for body, plugin, status in (
        ({"action": "x"}, key, 403),
        ({"action": "x"}, "absent", 404),
        ({}, key, 400),
        ({"params": {}}, key, 400),
        ({"action": ""}, key, 400),
        ({"action": "x", "params": [1]}, key, 400),
    ):
        answer = api.http.post(f"/api/plugins/plugins/{plugin}/run/", json=body)
        assert (answer.status_code, answer.json()["success"]) == (status, False), (body, answer.text)
        assert answer.json()["error"]


def zipped(files: Mapping[str, str | bytes], links: Mapping[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for name, target in (links or {}).items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, target)
    return buffer.getvalue()


def upload(api: Api, data: bytes, name: str = "Some Plug.zip", **form: str) -> httpx.Response:
    return api.http.post("/api/plugins/plugins/import/", files={"file": (name, data)}, data=form)


REFUSED = {
    "not a zip": b"no archive",
    "empty": zipped({}),
    "over 2,000 files": zipped({"plugin.py": BARE, **{f"f{number}": b"" for number in range(2001)}}),
    "over 200 MiB unpacked": zipped({"plugin.py": BARE, "large": bytes(201 * 2**20)}),
    "escaping": zipped({"plugin.py": BARE, "../escaped.py": BARE}),
    "absolute": zipped({"plugin.py": BARE, "/etc/absolute.py": BARE}),
    "a link": zipped({"plugin.py": BARE}, links={"link.py": "/etc/passwd"}),
    "no plugin inside": zipped({"readme.txt": "hello"}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_archive_that_is_not_to_be_trusted_is_400_and_leaves_nothing(api: Api, name: str) -> None:
    before = sorted(api.plugins())
    answer = upload(api, REFUSED[name])
    assert (answer.status_code, answer.json()["success"]) == (400, False), answer.text
    assert answer.json()["error"]
    assert sorted(api.plugins()) == before


def test_an_import_without_a_file_is_400(api: Api) -> None:
    assert api.http.post("/api/plugins/plugins/import/", data={"overwrite": "true"}).status_code == 400


@pytest.fixture
def imported(api: Api) -> Iterator[set[str]]:
    keys: set[str] = set()
    yield keys
    for key in keys:
        api.http.delete(f"/api/plugins/plugins/{key}/delete/", params={"data": "true"})


def test_an_import_takes_the_shallowest_plugin_and_its_folders_name(
    api: Api, written: Written, imported: set[str]
) -> None:
    harmful = f"open('/data/imported_zip', 'w').close()\n{BARE}"
    imported |= {"my_zip_plug", "flat_plug", "init_only"}
    deep = {
        "pack-main/docs/old/plugin.py": BARE,
        "pack-main/My-Zip Plug/plugin.py": harmful,
        "pack-main/x.txt": "",
    }
    answer = upload(api, zipped(deep), "anything.zip")
    assert answer.status_code == 200, answer.text
    assert sorted(answer.json()) == ["plugin", "success", "was_managed"]
    plugin = answer.json()["plugin"]
    assert (plugin["key"], plugin["enabled"], answer.json()["was_managed"]) == ("my_zip_plug", False, False)
    assert not written.note("imported_zip").exists(), "nothing is imported"
    flat = upload(api, zipped({"plugin.py": BARE, "__init__.py": ""}), "Flat.Plug.zip")
    assert flat.json()["plugin"]["key"] == "flat_plug"
    init = upload(api, zipped({"init only/__init__.py": BARE}))
    assert init.json()["plugin"]["key"] == "init_only"


def test_overwriting_swaps_whole_and_keeps_the_old_one_if_anything_fails(
    api: Api, imported: set[str]
) -> None:
    imported.add("swapped")

    def giving(version: int) -> str:
        return f"from . import part\nclass Plugin:\n    def run(self, a, p, c):\n        return {{'v': {version}, 'part': part.V}}\n"

    old = {"swapped/plugin.py": giving(1), "swapped/part.py": "V = 1", "swapped/old.py": ""}
    new = {"swapped/plugin.py": giving(2), "swapped/part.py": "V = 2"}
    assert upload(api, zipped(old)).status_code == 200
    api.enable("swapped")
    assert api.result("swapped", "x") == {"v": 1, "part": 1}
    refused = upload(api, zipped(new))
    assert refused.status_code == 400
    assert "swapped" in refused.json()["error"]
    assert upload(api, zipped({**new, "../x": ""}), overwrite="true").status_code == 400
    assert api.result("swapped", "x") == {"v": 1, "part": 1}
    answer = upload(api, zipped(new), overwrite="true")
    assert answer.status_code == 200
    assert answer.json()["plugin"]["enabled"] is True
    assert api.result("swapped", "x") == {"v": 2, "part": 2}


def test_delete_removes_folder_config_and_packages_and_data_only_when_asked(
    api: Api, platform: Platform, written: Written
) -> None:
    key = written.enabled("To Be Deleted", BARE)
    data, settings = f"/api/plugins/{key}/data/things/", f"/api/plugins/plugins/{key}/settings/"
    assert api.http.post(data, json={"n": 1}).status_code == 201
    assert api.http.post(settings, json={"settings": {"a": 1}}).status_code == 200
    delete = f"/api/plugins/plugins/{key}/delete/"
    assert api.http.delete(delete).json() == {"success": True}
    assert not (platform.plugins_dir / "To Be Deleted").exists()
    assert key not in api.plugins()
    assert api.http.delete(delete).status_code == 404
    again = written.listed("To Be Deleted", BARE)
    assert (again["enabled"], again["ever_enabled"], again["settings"]) == (False, False, {})
    assert api.http.get(data).json()["data"] == [{"_id": 1, "n": 1}]
    assert api.http.delete(delete, params={"data": "true"}).status_code == 200
    written.listed("To Be Deleted", BARE)
    assert api.http.get(data).json()["data"] == []


SECRETIVE = """
    class Plugin:
        fields = [
            {"id": "token", "label": "Token", "type": "string", "input_type": "password"},
            {"id": "unset", "label": "Unset", "type": "string", "input_type": "password"},
            {"id": "region", "label": "Region", "type": "string", "default": "eu"},
        ]
        pages = {"main": {"components": [{"type": "form", "id": "f", "submit_action": "sign_in", "fields": [
            {"id": "password", "label": "Password", "type": "string", "input_type": "password"},
            {"id": "user", "label": "User", "type": "string"},
        ]}]}}

        def run(self, action, params, context):
            if action == "sign_in":
                print("signing in", params["user"], "with", params["password"])
                return {"status": "ok", "length": len(params["password"])}
            context["logger"].info("token is %s", context["settings"]["token"])
            return {"length": len(context["settings"]["token"])}
"""


def test_passwords_are_masked_in_lists_params_logs_and_history(api: Api, written: Written) -> None:
    key = written.enabled("secretive", SECRETIVE)
    path = f"/api/plugins/plugins/{key}/settings/"
    secret = "correct-horse-7"
    answer = api.http.post(path, json={"settings": {"token": secret, "region": "us"}})
    shown = {"token": "********", "region": "us"}
    assert answer.json()["settings"] == shown
    assert api.plugins()[key]["settings"] == shown
    # What is shown comes back, and means what is stored.
    assert api.http.post(path, json={"settings": {**shown, "region": "eu"}}).status_code == 200
    first = api.run(key, "x").json()
    assert first["result"] == {"length": len(secret)}
    second = api.run(key, "sign_in", {"user": "alice", "password": secret}).json()
    assert second["result"] == {"status": "ok", "length": len(secret)}
    for run_id in (first["run_id"], second["run_id"]):
        assert secret not in str(written.log(run_id, ""))
        assert secret not in api.http.get(f"/api/runs/{run_id}/").text
    assert "alice" in str(written.log(second["run_id"], "signing in"))
    assert secret not in api.http.get("/api/runs/", params={"plugin": key}).text
    assert secret not in api.http.get("/api/plugins/plugins/").text


@pytest.fixture(scope="module")
def people(platform: Platform) -> Iterator[dict[str, httpx.Client]]:
    """One client of each level, the administrator's among them, and one who did not log in."""
    with platform.client() as admin:
        made = {"admin": admin, "anonymous": platform.client(None)}
        for level in ("viewer", "user"):
            who = (f"a-{level}", "staple-battery")
            body = {"username": who[0], "password": who[1], "level": level}
            answer = admin.post("/api/accounts/users/", json=body)
            assert (answer.status_code, answer.json()["level"]) == (201, level)
            made[level] = platform.client(who)
        yield made
        for client in made.values():
            client.close()


_RUN = "00000000-0000-7000-8000-000000000000"
LEVELS: list[tuple[str, str, str, Any]] = [
    ("viewer", "GET", "/api/plugins/plugins/", None),
    ("viewer", "GET", "/api/plugins/navigation/", None),
    ("viewer", "GET", "/api/plugins/absent/page/", None),
    ("viewer", "GET", "/api/plugins/absent/data/c/", None),
    ("viewer", "GET", "/api/plugins/absent/data/c/1/", None),
    ("viewer", "GET", "/api/runs/", None),
    ("viewer", "GET", f"/api/runs/{_RUN}/", None),
    ("user", "POST", "/api/plugins/plugins/absent/run/", {"action": "x"}),
    ("user", "POST", "/api/plugins/absent/data/c/", {"a": 1}),
    ("user", "PUT", "/api/plugins/absent/data/c/bulk/", []),
    ("user", "PUT", "/api/plugins/absent/data/c/1/", {"a": 1}),
    ("user", "PATCH", "/api/plugins/absent/data/c/1/", {"a": 1}),
    ("user", "DELETE", "/api/plugins/absent/data/c/1/", None),
    ("user", "DELETE", "/api/plugins/absent/data/c/", None),
    ("user", "POST", f"/api/runs/{_RUN}/cancel/", None),
    ("admin", "POST", "/api/plugins/plugins/absent/enabled/", {"enabled": True}),
    ("admin", "POST", "/api/plugins/plugins/absent/settings/", {"settings": {}}),
    ("admin", "POST", "/api/plugins/plugins/absent/reload/", None),
    ("admin", "POST", "/api/plugins/plugins/import/", None),
    ("admin", "DELETE", "/api/plugins/plugins/absent/delete/", None),
    ("admin", "GET", "/api/accounts/users/", None),
    ("admin", "POST", "/api/accounts/users/", {"username": "x"}),
]


@pytest.mark.parametrize(("level", "method", "path", "body"), LEVELS)
def test_each_level_may_what_it_may(
    people: dict[str, httpx.Client], level: str, method: str, path: str, body: Any
) -> None:
    """Nothing here exists: who may gets 200, 404 or what is wrong with the input, never 401 or 403."""
    order = ("anonymous", "viewer", "user", "admin")
    for who in order:
        answer = people[who].request(method, path, json=body)
        if order.index(who) >= order.index(level):
            assert answer.status_code in {200, 400, 404, 415, 422}, (who, answer.text)
        else:
            assert answer.status_code == (401 if who == "anonymous" else 403), (who, answer.text)


def test_settings_are_shown_to_administrators_only(
    people: dict[str, httpx.Client], api: Api, written: Written
) -> None:
    key = written.enabled("evaluating", EVALUATING)
    api.http.post(f"/api/plugins/plugins/{key}/settings/", json={"settings": {"a": 1}})
    assert api.plugins()[key]["settings"] == {"a": 1}
    for who in ("viewer", "user"):
        assert Api(people[who]).plugins()[key]["settings"] == {}
    assert Api(people["user"]).result(key, "x", {"code": "context['settings']"}) == {"value": {"a": 1}}
    assert Api(people["viewer"]).run(key, "x", {"code": "1"}).status_code == 403
