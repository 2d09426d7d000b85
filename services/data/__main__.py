"""`python -m services.data`: the data service alone."""

import argparse
import os

# Motor's pool of threads, one per query under way; read when it is first imported.
os.environ.setdefault("MOTOR_MAX_WORKERS", "32")

from services.data.main import create_app
from services.data.settings import Settings
from shared import logging
from shared.service import run


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    variables = [
        f"  PLUGARR_{name.upper():<24} {field.description}"
        for name, field in Settings.model_fields.items()
        if field.description
    ]
    argparse.ArgumentParser(
        prog="python -m services.data",
        description="Owner of MongoDB: plugin data, plugin configs, run history, users.",
        epilog="Settings, from the environment:\n" + "\n".join(variables),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    settings = Settings()
    logging.configure("data", settings.instance, form=settings.log_format, level=settings.log_level)
    app = create_app(settings)
    run(app.bus, settings, app.work, app.checks)


if __name__ == "__main__":
    main()
