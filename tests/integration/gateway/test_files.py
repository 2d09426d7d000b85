"""Files over HTTP: uploaded, handed to plugins by settings, forms and params, and read back as downloads."""

from typing import Any

import pytest

from shared.contracts.base import new_id
from tests.integration.gateway.conftest import Served
from tests.integration.gateway.platform import body, manifest

FILES = "/api/files/"
LOGO = {"id": "logo", "label": "Logo", "type": "file"}
FORM = {"type": "form", "id": "f", "submit_action": "take", "fields": [LOGO]}


async def install(site: Served, key: str = "calendar") -> None:
    pages = {"main": {"components": [FORM]}}
    found = manifest(key, fields=[LOGO], pages=pages, actions=[{"id": "take", "label": "T"}])
    await site.platform.install(found, enabled=True)
    await site.platform.work(key, _echo)
    await site.gateway.feed.sync()


async def _echo(_action: str, params: Any, _config: Any) -> Any:
    return {"status": "ok", "params": params}


async def upload(site: Served, content: bytes = b"hello", name: str = "a.txt", **form: str) -> dict[str, Any]:
    files = {"file": (name, content, "text/html; charset=utf-8")}
    answer = await site.as_("user").post(FILES, files=files, data=form)
    assert answer.status_code == 201, answer.text
    found = body(answer)
    assert answer.headers["location"] == f"{FILES}{found['id']}/"
    return found


async def test_a_file_comes_back_as_a_download_and_never_as_a_page(site: Served) -> None:
    content = b"<script>alert(1)</script>" * 20_000
    value = await upload(site, content, 'pa"ge\r\n.html')
    assert value == {"name": value["name"], "size": len(content), "type": "text/html", "id": value["id"]}
    answer = await site.as_("user").get(f"{FILES}{value['id']}")
    assert answer.content == content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert answer.headers["content-length"] == str(len(content))
    assert "sandbox" in answer.headers["content-security-policy"]
    assert (await site.as_("viewer").get(f"{FILES}{value['id']}/")).status_code == 403
    assert (await site.client().get(f"{FILES}{value['id']}/")).status_code == 401
    assert (await site.as_("user").get(f"{FILES}{new_id()}/")).status_code == 404
    hollow = new_id()
    stored = site.platform.files.files[value["id"]]
    site.platform.files.files[hollow] = stored.model_copy(update={"id": hollow})
    assert (await site.as_("user").get(f"{FILES}{hollow}/")).status_code == 404


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\a.txt", "a.txt"),
        ("e\u202ecod.exe", "ecod.exe"),
        ("...", "file"),
        ("ü" * 300, "ü" * 200),
    ],
)
async def test_names_are_cleaned(site: Served, given: str, kept: str) -> None:
    assert (await upload(site, name=given))["name"] == kept


async def test_no_file_a_strange_plugin_and_too_much_are_refused(site: Served) -> None:
    user = site.as_("user")
    assert (await user.post(FILES, data={"plugin": "x"})).status_code == 400
    assert (await user.post(FILES, content=b"x", headers={"content-type": "text/plain"})).status_code == 400
    missing = await user.post(FILES, files={"file": ("a", b"x")}, data={"plugin": "nobody"})
    assert missing.status_code == 404
    large = await user.post(FILES, files={"file": ("a", bytes(64 * 1024 * 1024 + 1))})
    assert (large.status_code, body(large)["path"]) == (413, "file")
    assert site.platform.files.files == {}


async def test_settings_and_params_hand_files_over_and_describe_them_as_they_are(site: Served) -> None:
    await install(site)
    user, admin = site.as_("user"), site.as_("admin")
    first, second = await upload(site), await upload(site, plugin="calendar")
    lie = {**first, "name": "lie", "size": 1}
    saved = await admin.post(
        "/api/plugins/plugins/calendar/settings/",
        json={"settings": {"logo": lie, "rows": [{"logo": second}]}},
    )
    assert body(saved)["settings"] == {"logo": first, "rows": [{"logo": second}]}
    assert site.platform.files.files[first["id"]].plugin == "calendar"
    third = await upload(site)
    run = "/api/plugins/plugins/calendar/run/"
    answer = await user.post(run, json={"action": "take", "params": {"deep": [{"f": third}]}})
    assert body(answer)["result"]["params"] == {"deep": [{"f": third}]}
    assert site.platform.files.files[third["id"]].plugin == "calendar"


async def test_files_that_are_gone_or_anothers_are_422_at_their_field(site: Served) -> None:
    await install(site)
    await install(site, "other")
    anothers = await upload(site, plugin="other")
    gone = {**anothers, "id": new_id()}
    strange = {"name": "a", "size": 1, "type": "", "id": "x"}
    admin = site.as_("admin")
    for value, path in ((anothers, "logo.id"), (gone, "logo.id"), (strange, "logo")):
        saved = await admin.post(
            "/api/plugins/plugins/calendar/settings/", json={"settings": {"logo": value}}
        )
        assert (saved.status_code, body(saved)["path"]) == (422, f"settings.{path}")
        submitted = {"action": "take", "form": "f", "params": {"logo": value}}
        run = await admin.post("/api/plugins/plugins/calendar/run/", json=submitted)
        assert (run.status_code, body(run)["path"]) == (422, f"params.{path}")
        # Where no field asks for a file, something may well look like one.
        loose = {"action": "take", "params": {"logo": value}}
        run = await admin.post("/api/plugins/plugins/calendar/run/", json=loose)
        assert body(run)["result"]["params"] == {"logo": value}
    assert site.platform.files.files[anothers["id"]].plugin == "other"
