"""Events of other systems."""

import orjson
from starlette.responses import Response

from services.gateway import schedule_schemas
from services.gateway.bodies import DOCUMENT
from services.gateway.calls import Call, json_response
from services.gateway.events import EventService
from services.gateway.operations import Operations
from shared import errors
from shared.contracts.events import EVENT_LIMIT
from shared.documents import check_document


def operations(events: EventService) -> Operations:
    """The operations on events."""
    ops = Operations("events")

    @ops(
        "POST",
        "/api/events/",
        "publish_event",
        {202: schedule_schemas.EventAccepted},
        problems=(400, 413),
        body=schedule_schemas.EventBody,
        examples={"channel": {"event": "channel_start", "payload": {"channel_id": 7}}},
    )
    async def publish_event(call: Call) -> Response:
        """Publish an event: every action of an enabled plugin that follows it is run, each once.

        `runs` are the ids of the runs that start now.
        """
        body = await call.body(schedule_schemas.EventBody, DOCUMENT)
        payload = body.payload or {}
        check_document(payload, "payload")
        if len(orjson.dumps(payload)) > EVENT_LIMIT:
            raise errors.TooLarge(f"payload: takes at most {EVENT_LIMIT:,} bytes", path="payload")
        event_id, runs = await events.publish(body.event, payload, call.user)
        return json_response(orjson.dumps({"success": True, "event_id": event_id, "runs": runs}), 202)

    return ops
