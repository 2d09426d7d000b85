"""The app's label, by which its tables are called."""

from django.apps import AppConfig


class EpgConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.epg"
    label = "epg"
