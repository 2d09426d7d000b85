"""Sets Django up where something needs it, and never connects: hosts are forked from a process that did this."""

import os
import threading
from typing import Final

from plugarr_host.platform import platform

_SETTINGS: Final = "dispatcharr.settings"
_setting_up = threading.RLock()
_begun = False


def ready() -> None:
    """Have Django set up. What it imports on its way, and asks for this again, just goes on."""
    global _begun  # noqa: PLW0603 - one Django per process, as Django itself has it
    with _setting_up:
        if _begun:
            return
        _begun = True
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", _SETTINGS)
        try:
            if platform.channel is not None:
                # Not seen in the plugin's files, so that nobody has looked after the tables yet.
                platform.call("host.database")
            import django  # noqa: PLC0415 - 50 MB that a plugin without it does not pay for

            django.setup()
            from plugarr_host import beat, side_effects  # noqa: PLC0415

            side_effects.connect()
            beat.connect()
        except BaseException:
            _begun = False
            raise
