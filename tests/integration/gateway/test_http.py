"""What holds for every answer: problems, headers, hosts, probes, documents, the UI's files."""

import gzip
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from services.gateway.main import create_app
from services.gateway.settings import Settings
from shared.messaging.bus import Bus
from tests.integration.gateway.conftest import Served, served
from tests.integration.gateway.platform import Platform, body, manifest


async def test_unknown_routes_and_methods_are_problems(site: Served) -> None:
    client = site.client()
    for method, path, status in (
        ("GET", "/api/nothing/", 404),
        ("GET", "/api", 404),
        ("GET", "/api/plugins/nothing", 404),
        ("DELETE", "/api/plugins/plugins/", 405),
        ("POST", "/livez", 405),
        ("POST", "/", 405),
    ):
        response = await client.request(method, path)
        assert response.status_code == status, path
        assert response.headers["content-type"] == "application/problem+json"
        assert body(response)["status"] == status
        assert set(body(response)) >= {"type", "title", "status", "detail", "success", "error"}


async def test_answers_keep_browsers_from_harm(site: Served) -> None:
    client = site.client()
    for path in ("/", "/docs", "/livez", "/api/nothing/"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert (
        "access-control-allow-origin"
        not in (await client.get("/livez", headers={"origin": "https://other.example"})).headers
    )


async def test_oversized_and_odd_requests_are_refused(site: Served) -> None:
    client = site.client()
    assert (await client.get("/livez", headers={"x": "y" * 40_000})).status_code == 431
    assert (await client.get("/livez?" + "x" * 9_000)).status_code == 414
    assert (await client.get("/livez", headers={"host": "a b"})).status_code == 400
    assert (await client.get("/livez", headers={"host": "any.example:80"})).status_code == 200


async def test_only_allowed_hosts_and_origins(
    platform: Platform, settings_of: Callable[..., Settings]
) -> None:
    settings = settings_of(allowed_hosts="tv.example, 127.0.0.1", cors_origins="https://app.example")
    async with served(platform, settings) as site:
        client = site.client()
        assert (await client.get("/livez", headers={"host": "evil.example"})).status_code == 400
        assert (await client.get("/livez", headers={"host": "tv.example:9191"})).status_code == 200
        preflight = await client.options(
            "/api/runs/",
            headers={
                "origin": "https://app.example",
                "access-control-request-method": "GET",
                "access-control-request-headers": "authorization",
            },
        )
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == "https://app.example"
        for origin, status in (("https://app.example", 422), ("https://evil.example", 403), ("null", 403)):
            response = await client.post("/api/accounts/token/", json={}, headers={"origin": origin})
            assert response.status_code == status


async def test_the_pages_own_origin_may_post(site: Served) -> None:
    response = await site.client().post("/api/accounts/token/", json={}, headers={"origin": site.url})
    assert response.status_code == 422


async def test_probes_tell_the_truth(platform: Platform, settings_of: Callable[..., Settings]) -> None:
    async with served(platform, settings_of()) as site:
        client = site.client()
        assert body(await client.get("/livez")) == {"status": "ok"}
        ready = await client.get("/readyz")
        assert (ready.status_code, body(ready)) == (
            200,
            {"status": "ok", "checks": {"bus": "ok", "plugins": "ok"}},
        )
        site.gateway.view.synced_at = None
        unready = await client.get("/readyz")
        assert unready.status_code == 503
        assert "not read yet" in body(unready)["checks"]["plugins"]
        waiting = await site.as_("viewer").get("/api/plugins/plugins/")
        assert (waiting.status_code, waiting.headers["retry-after"]) == (503, "2")
        counted = await client.get("/metrics")
        assert 'plugarr_http_requests_total{operation="readyz",status="503"}' in counted.text


async def test_without_data_it_says_what_is_missing(
    bus_of: Callable[[str], object], settings_of: Callable[..., Settings]
) -> None:
    gateway = create_app(settings_of())
    async with gateway.running():
        transport = httpx.ASGITransport(app=gateway.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            token = {"username": "a", "password": "b"}
            response = await client.post("/api/accounts/token/", json=token)
            assert response.status_code == 503
            assert body(response)["detail"] == "no data service is running"
            assert (await client.get("/readyz")).status_code == 503


async def test_documents_are_served_whole_and_without_scripts_from_elsewhere(site: Served) -> None:
    client = site.client()
    openapi = await client.get("/openapi.json")
    assert openapi.headers["content-type"] == "application/json"
    assert body(openapi)["openapi"].startswith("3.1")
    page = await client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert "//cdn" not in page.text
    assert "/api/plugins/plugins/{key}/run/" in page.text
    assert body(await client.get("/asyncapi"))["asyncapi"].startswith("3.")
    assert body(await client.get("/asyncapi/data"))["info"]["title"] == "Plugarr data"
    assert (await client.get("/asyncapi/nobody")).status_code == 404


async def test_without_a_built_ui_a_page_says_how_to_get_one(site: Served) -> None:
    page = await site.client().get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "not built" in page.text
    assert 'href="/docs"' in page.text
    assert (await site.client().get("/plugins/hello")).status_code == 404


async def test_a_built_ui_is_served_with_its_deep_links(
    platform: Platform, settings_of: Callable[..., Settings], tmp_path: Path
) -> None:
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<!doctype html><title>UI</title>")
    (dist / "assets" / "index-abc123.js").write_text("export {}")
    (dist / "logo.svg").write_text("<svg/>")
    (dist / ".vite").mkdir()
    (dist / ".vite" / "manifest.json").write_text("{}")
    (tmp_path / "outside.txt").write_text("secret")
    (dist / "link.txt").symlink_to(tmp_path / "outside.txt")
    async with served(platform, settings_of(ui_dir=dist)) as site:
        client = site.client()
        for path in ("/", "/plugins/hello", "/plugins/hello/main"):
            page = await client.get(path)
            assert page.text.startswith("<!doctype html>"), path
            assert page.headers["cache-control"] == "no-cache"
            assert "default-src 'self'" in page.headers["content-security-policy"]
        index = await client.get("/")
        same = await client.get("/", headers={"if-none-match": index.headers["etag"]})
        assert same.status_code == 304
        for name in ("content-security-policy", "cache-control", "vary"):
            assert same.headers[name] == index.headers[name], name
        asset = await client.get("/assets/index-abc123.js")
        assert "immutable" in asset.headers["cache-control"]
        assert asset.headers["content-type"].startswith(("text/javascript", "application/javascript"))
        assert (await client.get("/logo.svg")).headers["content-type"] == "image/svg+xml"
        assert (await client.get("/.vite/manifest.json")).status_code == 404
        for path in (
            "/assets/gone.js",
            "/gone.png",
            "/link.txt",
            "/..%2foutside.txt",
            "/%2e%2e/outside.txt",
            "/x%00",
            "/api/none",
        ):
            response = await client.get(path)
            assert "secret" not in response.text
            if path != "/x%00":
                assert response.status_code == 404, path


async def test_a_built_file_is_sent_in_the_smallest_form_that_the_browser_reads(
    platform: Platform, settings_of: Callable[..., Settings], tmp_path: Path
) -> None:
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    text = "export const words = 'again and again and again';"
    (dist / "index.html").write_text("<!doctype html><title>UI</title>")
    (dist / "assets" / "app-1.js").write_text(text)
    (dist / "assets" / "app-1.js.gz").write_bytes(gzip.compress(text.encode()))
    async with served(platform, settings_of(ui_dir=dist)) as site:
        client = site.client()

        async def asset(**headers: str) -> httpx.Response:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.get("/assets/app-1.js", headers=sent)

        packed = await asset(accept_encoding="br, gzip;q=0.8")
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["vary"] == "Accept-Encoding"
        assert packed.headers["content-type"].startswith(("text/javascript", "application/javascript"))
        assert packed.text == text
        for plain in (await asset(accept_encoding="identity"), await asset(accept_encoding="gzip;q=0")):
            assert "content-encoding" not in plain.headers
            assert plain.text == text
        part = await asset(accept_encoding="gzip", range="bytes=0-5")
        assert (part.status_code, part.text) == (206, text[:6])


async def test_the_view_is_read_again_when_the_bus_is_back(site: Served) -> None:
    view = site.gateway.view
    before = view.synced_at
    bus: Bus = site.gateway.bus
    await site.platform.install(manifest("late"))
    for back in tuple(bus.on_back):
        back()
    assert await view.wait_for(lambda: view.synced_at != before, 5)
    assert view.get("late") is not None


@pytest.mark.parametrize("secret", ["", "short"])
def test_without_a_signing_secret_it_refuses_to_start(tmp_path: Path, secret: str) -> None:
    settings = Settings.model_validate(
        {"data_dir": tmp_path, "secrets_dir": tmp_path, **({"jwt_secret": secret} if secret else {})}
    )
    with pytest.raises(SystemExit, match="secret for signing tokens"):
        settings.signing_key()
