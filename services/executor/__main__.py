"""`python -m services.executor`: run an executor against the bus that the environment names."""

import argparse

from services.executor.main import Executor, check_site
from services.executor.metrics import Metrics
from services.executor.settings import Settings
from shared import logging, service
from shared.messaging.bus import connect


def main() -> None:
    """Read the environment, refuse what cannot work, and run until told to end."""
    variables = "\n".join(
        f"  PLUGARR_{name.upper():<22} {field.description or ''}"
        for name, field in Settings.model_fields.items()
    )
    parser = argparse.ArgumentParser(
        prog="python -m services.executor",
        description="Runs plugins' actions in processes of their own.",
        epilog=f"environment:\n{variables}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args()
    settings = Settings()
    logging.configure("executor", settings.instance, form=settings.log_format, level=settings.log_level)
    check_site(settings)
    bus = connect(settings, "executor")
    executor = Executor(bus, settings, metrics=Metrics())
    service.run(bus, settings, executor.work, executor.checks)


if __name__ == "__main__":
    main()
