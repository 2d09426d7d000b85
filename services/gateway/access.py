"""Who may: the one table of operations and the level that each asks for."""

from typing import Final

from shared import errors
from shared.contracts.users import LEVELS, Level, User

ANONYMOUS: Final = None

ACCESS: Final[dict[str, Level | None]] = {
    # Probes, documents, log-in, first set-up: nobody is known yet.
    "livez": ANONYMOUS,
    "readyz": ANONYMOUS,
    "metrics": ANONYMOUS,
    "get_openapi": ANONYMOUS,
    "get_asyncapi": ANONYMOUS,
    "get_asyncapi_of_service": ANONYMOUS,
    "get_docs": ANONYMOUS,
    "get_setup": ANONYMOUS,
    "create_first_administrator": ANONYMOUS,
    "get_superuser_exists": ANONYMOUS,
    "initialize_superuser": ANONYMOUS,
    "obtain_token": ANONYMOUS,
    "refresh_token": ANONYMOUS,
    "get_logo": ANONYMOUS,
    # Reading.
    "list_plugins": "viewer",
    "get_navigation": "viewer",
    "get_opening_page": "viewer",
    "get_page": "viewer",
    "list_items": "viewer",
    "get_item": "viewer",
    "list_runs": "viewer",
    "get_run": "viewer",
    "get_run_log": "viewer",
    "list_schedules": "viewer",
    "get_schedule": "viewer",
    "list_ticks": "viewer",
    "get_siblings": "viewer",
    "get_current_user": "viewer",
    "change_own_password": "viewer",
    "create_ws_ticket": "viewer",
    # A key has the rights of whose it is; other people's are the administrators'.
    "list_api_keys": "viewer",
    "create_api_key": "viewer",
    "delete_api_key": "viewer",
    # Working.
    "run_action": "user",
    "cancel_run": "user",
    "retry_run": "user",
    "run_schedule": "user",
    "upload_file": "user",
    "get_file": "user",
    "add_item": "user",
    "replace_item": "user",
    "patch_item": "user",
    "delete_item": "user",
    "replace_collection": "user",
    "clear_collection": "user",
    # Administering.
    "reload_plugins": "admin",
    "reload_plugin": "admin",
    "import_plugin": "admin",
    "set_settings": "admin",
    "set_enabled": "admin",
    "set_placement": "admin",
    "delete_plugin": "admin",
    "create_schedule": "admin",
    "update_schedule": "admin",
    "delete_schedule": "admin",
    "pause_schedule": "admin",
    "resume_schedule": "admin",
    "publish_event": "admin",
    "list_users": "admin",
    "create_user": "admin",
    "get_user": "admin",
    "update_user": "admin",
    "delete_user": "admin",
}
STRICT_UPSTREAM: Final[dict[str, Level | None]] = {
    "run_action": "admin",
    "retry_run": "admin",
    "run_schedule": "admin",
}
"""What Dispatcharr leaves to administrators (`PLUGARR_STRICT_UPSTREAM_AUTH=1`)."""


def access(*, strict_upstream: bool) -> dict[str, Level | None]:
    """The table as it is in force."""
    return {**ACCESS, **STRICT_UPSTREAM} if strict_upstream else dict(ACCESS)


def require(user: User, needed: Level) -> None:
    """Raise PermissionDenied where a user's level is below the needed one."""
    if LEVELS.index(user.level) < LEVELS.index(needed):
        raise errors.PermissionDenied(f"this needs the level {needed}, yours is {user.level}")
