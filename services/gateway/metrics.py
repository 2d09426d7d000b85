"""What the gateway counts, in its own code: a middleware would cost the hot path more than the count."""

from collections.abc import Callable

from prometheus_client import Counter, Histogram

REQUESTS = Counter("plugarr_http_requests", "Requests by operation and status.", ("operation", "status"))
SECONDS = Histogram(
    "plugarr_http_seconds",
    "Time until the answer began, by operation.",
    ("operation",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)


def observer(operation: str) -> Callable[[int, float], None]:
    """What notes one answer's status and seconds."""
    seconds = SECONDS.labels(operation)
    counters: dict[int, Counter] = {}

    def observe(status: int, took_s: float) -> None:
        counter = counters.get(status)
        if counter is None:
            counter = counters[status] = REQUESTS.labels(operation, str(status))
        counter.inc()
        seconds.observe(took_s)

    return observe
