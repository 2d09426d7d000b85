"""Administering plugins: reload, import, settings, enabled, delete."""

import orjson
from starlette.responses import Response

from services.gateway import schemas
from services.gateway.bodies import DOCUMENT
from services.gateway.calls import Call, json_response
from services.gateway.operations import Operations
from services.gateway.plugins import PluginService, read_flag
from services.gateway.problems import BadRequest
from services.gateway.uploads import read_upload
from services.gateway.view import PluginsView


def operations(  # noqa: C901 - declarations, one after the other
    view: PluginsView, plugins: PluginService, *, public_url: str
) -> Operations:
    """The operations that change plugins."""
    ops = Operations("plugins")

    @ops("POST", "/api/plugins/plugins/reload/", "reload_plugins", {200: schemas.Reloaded})
    async def reload_plugins(call: Call) -> Response:
        """Look at the plugin directory again and load every enabled plugin anew."""
        count = await plugins.reload(call.user)
        return json_response(orjson.dumps({"success": True, "count": count}))

    @ops(
        "POST",
        "/api/plugins/plugins/{key}/reload/",
        "reload_plugin",
        {200: schemas.Reloaded},
        problems=(404,),
    )
    async def reload_plugin(call: Call) -> Response:
        """Load one plugin anew."""
        count = await plugins.reload(call.user, call.name("key"))
        return json_response(orjson.dumps({"success": True, "count": count}))

    @ops(
        "POST",
        "/api/plugins/plugins/import/",
        "import_plugin",
        {200: schemas.ImportAnswer},
        problems=(400, 413),
        body="Upload",
        body_type="multipart/form-data",
    )
    async def import_plugin(call: Call) -> Response:
        """Install a plugin from a ZIP of at most 64 MiB; nothing of it is imported."""
        upload = await read_upload(call.request)
        plugin, imported = await plugins.import_zip(
            upload.data, upload.filename, call.user, overwrite=upload.overwrite
        )
        item = view.item(plugin, call.base_url(public_url))
        managed = b"true" if imported.was_managed else b"false"
        return json_response(b'{"success":true,"plugin":' + item + b',"was_managed":' + managed + b"}")

    @ops(
        "POST",
        "/api/plugins/plugins/{key}/settings/",
        "set_settings",
        {200: schemas.SettingsAnswer},
        problems=(400, 404, 413),
        body=schemas.SettingsBody,
        examples={"calendar": {"settings": {"region": "eu", "api_key": "********"}}},
    )
    async def set_settings(call: Call) -> Response:
        """Replace a plugin's settings.

        A masked password that comes back as it was shown keeps what is stored.
        """
        body = await call.json(DOCUMENT)
        if not isinstance(body, dict) or "settings" not in body:
            raise BadRequest('must be an object with "settings"', path="body")
        settings = body["settings"] if body["settings"] is not None else {}
        if not isinstance(settings, dict):
            raise BadRequest("must be an object", path="settings")
        stored = await plugins.set_settings(call.name("key"), settings, call.user)
        return json_response(orjson.dumps({"success": True, "settings": stored}))

    @ops(
        "POST",
        "/api/plugins/plugins/{key}/enabled/",
        "set_enabled",
        {200: schemas.EnabledAnswer},
        problems=(400, 404, 409),
        body=schemas.EnabledBody,
        examples={"on": {"enabled": True}},
    )
    async def set_enabled(call: Call) -> Response:
        """Enable or disable a plugin.

        Answers when the plugin is loaded, has failed to load, or is stopped; after 15 s in any case.
        """
        body = await call.json(DOCUMENT)
        if not isinstance(body, dict):
            raise BadRequest('must be an object with "enabled"', path="body")
        enabled = read_flag(body.get("enabled"))
        plugin = await plugins.set_enabled(call.name("key"), call.user, enabled=enabled)
        head = {"success": True, "enabled": plugin.config.enabled, "ever_enabled": plugin.config.ever_enabled}
        item = view.item(plugin, call.base_url(public_url))
        return json_response(orjson.dumps(head)[:-1] + b',"plugin":' + item + b"}")

    @ops(
        "POST",
        "/api/plugins/plugins/{key}/placement/",
        "set_placement",
        {200: schemas.PlacementAnswer},
        problems=(400, 404),
        body=schemas.PlacementBody,
        examples={"every executor": {"placement": "any"}, "as the plugin says": {"placement": None}},
    )
    async def set_placement(call: Call) -> Response:
        """Say where a plugin runs: at its home only, on any executor, or, with null, as its manifest says.

        The plugin is stopped and loaded anew where it then belongs; runs under way end first.
        """
        body = await call.body(schemas.PlacementBody)
        plugin = await plugins.set_placement(call.name("key"), body.placement, call.user)
        head = {"success": True, "placement": plugin.placement}
        item = view.item(plugin, call.base_url(public_url))
        return json_response(orjson.dumps(head)[:-1] + b',"plugin":' + item + b"}")

    @ops(
        "DELETE",
        "/api/plugins/plugins/{key}/delete/",
        "delete_plugin",
        {200: schemas.Success},
        problems=(404,),
        query=schemas.DeleteQuery,
    )
    async def delete_plugin(call: Call) -> Response:
        """Stop a plugin and remove its folder, its packages and its config."""
        query = call.query(schemas.DeleteQuery)
        await plugins.delete(call.name("key"), call.user, with_data=query.data)
        return json_response(b'{"success":true}')

    return ops
