"""Reading plugins: the list, the navigation, pages, logos."""

import base64
from collections import OrderedDict

from starlette.responses import Response

from services.gateway import schemas
from services.gateway.calls import Call
from services.gateway.identity import Asks
from services.gateway.operations import Operations
from services.gateway.plugins import PluginService
from services.gateway.view import Body, PluginsView
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.plugins import GetLogo, Logo

_LOGOS = 500
"""Logos kept in memory; each has at most 256 KiB, most have a few."""


def operations(  # noqa: C901 - declarations, one after the other
    view: PluginsView, plugins: PluginService, asks: Asks, *, public_url: str
) -> Operations:
    """The operations that read plugins."""
    ops = Operations("plugins")
    logos: OrderedDict[tuple[str, str | None], Body] = OrderedDict()

    def ready() -> None:
        if view.synced_at is None:
            raise errors.Unavailable("the plugins are not known yet")

    @ops(
        "GET",
        "/api/plugins/plugins/",
        "list_plugins",
        {200: schemas.PluginList, 304: None},
        headers=("If-None-Match",),
    )
    async def list_plugins(call: Call) -> Response:
        """List every plugin.

        Settings are shown to administrators only, and passwords to nobody.
        """
        ready()
        admin = call.user.level == "admin"
        return call.cached(view.list_body(with_settings=admin, base=call.base_url(public_url)))

    @ops(
        "GET",
        "/api/plugins/navigation/",
        "get_navigation",
        {200: schemas.NavigationList, 304: None},
        headers=("If-None-Match",),
    )
    async def get_navigation(call: Call) -> Response:
        """List the navigation entries of enabled plugins, in order."""
        ready()
        return call.cached(view.navigation_body())

    async def page(call: Call, page_id: str | None) -> Response:
        ready()
        plugin = await plugins.find(call.name("key"))
        if not plugin.config.enabled:
            raise errors.PluginDisabled(f"plugin {plugin.key!r} is disabled")
        body = plugin.page(page_id)
        if body is None:
            raise errors.NotFound(f"plugin {plugin.key!r} has no page {page_id or ''}".rstrip())
        return call.cached(body)

    @ops(
        "GET",
        "/api/plugins/{key}/page/",
        "get_opening_page",
        {200: schemas.PageAnswer, 304: None},
        problems=(404,),
        headers=("If-None-Match",),
    )
    async def get_opening_page(call: Call) -> Response:
        """Get the page that a plugin opens with: `main`, else its first."""
        return await page(call, None)

    @ops(
        "GET",
        "/api/plugins/{key}/page/{page_id}/",
        "get_page",
        {200: schemas.PageAnswer, 304: None},
        problems=(404,),
        headers=("If-None-Match",),
    )
    async def get_page(call: Call) -> Response:
        """Get one page of a plugin."""
        return await page(call, call.name("page_id"))

    @ops(
        "GET",
        "/api/plugins/plugins/{key}/logo/",
        "get_logo",
        {200: "image/png", 304: None},
        problems=(404,),
        headers=("If-None-Match",),
    )
    async def get_logo(call: Call) -> Response:
        """Get a plugin's logo. Public, as images in a browser carry no credentials."""
        key = call.name("key")
        plugin = view.get(key)
        if plugin is None or not plugin.manifest.has_logo:
            raise errors.NotFound(f"no logo of {key!r}")
        held = logos.get((key, plugin.manifest.digest))
        if held is None:
            logo: Logo = await asks.request(c.GET_LOGO, GetLogo(key=key))
            held = logos[key, plugin.manifest.digest] = Body.of(base64.b64decode(logo.content))
            if len(logos) > _LOGOS:
                logos.popitem(last=False)
        response = call.cached(held)
        response.headers["Cache-Control"] = "public, no-cache"
        if response.status_code != 304:
            response.headers["Content-Type"] = "image/png"
        return response

    return ops
