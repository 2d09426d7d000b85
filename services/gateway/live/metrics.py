"""What live updates count."""

from prometheus_client import Counter, Gauge

CLIENTS = Gauge("plugarr_live_clients", "Authenticated WebSocket clients.")
TOPICS = Gauge("plugarr_live_subscriptions", "Bus subscriptions for topics.")
FRAMES = Counter("plugarr_live_frames", "Frames sent to clients.")
RELOADS = Counter("plugarr_live_reloads", "Times that a client was told to reload.")
CLOSED = Counter("plugarr_live_closed", "Connections that the gateway closed, by code.", ("code",))
