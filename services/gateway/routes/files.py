"""Files: uploaded for plugins, and read back."""

from urllib.parse import quote

from starlette.responses import Response

from services.gateway.calls import Call, json_response
from services.gateway.files import FileService
from services.gateway.operations import Operations
from services.gateway.plugins import PluginService
from services.gateway.streamed import Streamed
from services.gateway.uploads import open_upload
from shared import errors
from shared.contracts.files import FileValue

_ANYTHING = "application/octet-stream"


def operations(files: FileService, plugins: PluginService) -> Operations:
    """The operations on files."""
    ops = Operations("files")

    @ops(
        "POST",
        "/api/files/",
        "upload_file",
        {201: FileValue},
        problems=(400, 404, 413),
        body="FileUpload",
        body_type="multipart/form-data",
    )
    async def upload_file(call: Call) -> Response:
        """Upload a file of at most 64 MiB; the answer is the value of a field of type `file`.

        With `plugin` it is that plugin's from now on; without, the first one's that gets it in its settings
        or in a run's params. It is kept while settings, documents or schedules name it, at least 30 days.
        """
        async with open_upload(call.request) as upload:
            plugin = upload.fields.get("plugin") or None
            if plugin is not None:
                if len(plugin) > 255:
                    raise errors.Invalid("must have at most 255 characters", path="plugin")
                await plugins.find(plugin)
            value = await files.add(upload, call.user, plugin)
        location = {"Location": f"/api/files/{value.id}/"}
        return json_response(value.model_dump_json().encode(), 201, location)

    @ops("GET", "/api/files/{file_id}/", "get_file", {200: _ANYTHING}, problems=(404,))
    async def get_file(call: Call) -> Response:
        """Download a file. Never shown by the browser, whatever it is."""
        stored, content = await files.get(call.name("file_id"))
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(stored.name, safe='')}",
            "Content-Length": str(stored.size),
            "Cache-Control": "private, no-store",
        }
        # The uploader's word for its type is not repeated: no browser is to believe it.
        return Streamed(content, headers=headers, media_type=_ANYTHING)

    return ops
