"""Tasks of the host application, done by a running Dispatcharr."""

from celery import shared_task
from plugarr_host.dispatcharr import ask


@shared_task(name="apps.epg.tasks.refresh_all_epg_data")
def refresh_all_epg_data() -> str:
    """Have every active source refreshed."""
    sources = ask("GET", "/api/epg/sources/", parsed=True)
    wanted = [s["id"] for s in sources if s.get("is_active") and s.get("source_type") != "dummy"]
    for source_id in wanted:
        ask("POST", "/api/epg/import/", {"id": source_id})
    return f"{len(wanted)} sources are being refreshed"


@shared_task(name="apps.epg.tasks.refresh_epg_data")
def refresh_epg_data(source_id: int, force: bool = False) -> str:
    """Have one source refreshed."""
    return ask("POST", "/api/epg/import/", {"id": int(source_id), "force": force})
