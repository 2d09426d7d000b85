"""The app's label, by which its tables are called."""

import importlib

from django.apps import AppConfig


class CoreConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "core"
    label = "core"

    def import_models(self) -> None:
        # Where `core.models` itself is what asked for Django, it is only half there.
        importlib.import_module("core.tables")
        super().import_models()
