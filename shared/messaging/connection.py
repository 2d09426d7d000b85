"""The connection under the bus: FastStream's broker, with our user, inboxes and endless reconnecting."""

import ssl
from typing import Any

import nats.errors
from faststream.nats import NatsBroker
from faststream.security import SASLPlaintext

from shared.settings import CommonSettings


class Broker(NatsBroker):
    """A broker that knows whether its end is wanted."""

    leaving = False

    async def stop(self, *error: Any) -> None:
        self.leaving = True
        try:
            await super().stop(*error)
        except nats.errors.Error:
            # Nothing can be drained just now: the connection has ended, or is looking for the server.
            if self._connection is not None:
                await self._connection.close()


def open_broker(settings: CommonSettings, service: str, **callbacks: Any) -> Broker:
    """The broker of a service; `callbacks` are nats-py's. Nothing is connected yet."""
    user = settings.nats_user or service
    context = ssl.create_default_context(cafile=str(settings.nats_tls_ca)) if settings.nats_tls_ca else None
    return Broker(
        [url.strip() for url in settings.nats_url.split(",")],
        name=f"{service}/{settings.instance}",
        inbox_prefix=f"_INBOX_{user}",
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        security=SASLPlaintext(
            username=user, password=settings.bus_password(user), use_ssl=bool(context), ssl_context=context
        ),
        logger=None,
        apply_types=False,
        **callbacks,
    )
