"""The app's label, by which its tables are called."""

from django.apps import AppConfig


class M3uConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.m3u"
    label = "m3u"
