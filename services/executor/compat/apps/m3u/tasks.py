"""Tasks of the host application, done by a running Dispatcharr."""

from celery import shared_task
from plugarr_host.dispatcharr import ask


@shared_task(name="apps.m3u.tasks.refresh_m3u_accounts")
def refresh_m3u_accounts() -> str:
    """Have every active account refreshed."""
    return ask("POST", "/api/m3u/refresh/")


@shared_task(name="apps.m3u.tasks.refresh_single_m3u_account")
def refresh_single_m3u_account(account_id: int) -> str:
    """Have one account refreshed."""
    return ask("POST", f"/api/m3u/refresh/{int(account_id)}/")
