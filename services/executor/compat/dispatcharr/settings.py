"""Django's settings in a plugin's process."""

import os
from typing import Any, Final

from plugarr_host.host_database import database_settings

SECRET_KEY: Final = os.urandom(32).hex()
"""Nothing is signed in a plugin's process that anybody else would check."""
DEBUG: Final = False
ALLOWED_HOSTS: Final[list[str]] = []
USE_TZ: Final = True
TIME_ZONE: Final = "UTC"
LANGUAGE_CODE: Final = "en-us"
DEFAULT_AUTO_FIELD: Final = "django.db.models.BigAutoField"
AUTH_USER_MODEL: Final = "accounts.User"
INSTALLED_APPS: Final = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_celery_beat",
    "core.apps.CoreConfig",
    "apps.accounts.apps.AccountsConfig",
    "apps.channels.apps.ChannelsConfig",
    "apps.epg.apps.EpgConfig",
    "apps.m3u.apps.M3uConfig",
    "apps.vod.apps.VodConfig",
]
DATABASES: Final[dict[str, Any]] = {"default": database_settings()}
CACHES: Final = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
LOGGING_CONFIG: Final = None
"""The process's log is the plugin's, set up before Django is."""
MEDIA_ROOT: Final = "/data/media"
DATA_DIR: Final = "/data"
DJANGO_CELERY_BEAT_TZ_AWARE: Final = True
SILENCED_SYSTEM_CHECKS: Final = ["fields.W342"]
