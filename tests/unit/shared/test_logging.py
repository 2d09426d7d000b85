"""What is logged holds no secret, at whatever depth and in whichever form."""

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = """
from shared import logging
logging.configure("data", "x", form={form!r}, level="info")
log = logging.get_logger("x")
log.info("told", password="s3cret", params={{"api_key": "s3cret", "list": [{{"token": "s3cret"}}]}})
log.info("at mongodb://data:s3cret@127.0.0.1/plugarr", url="nats://u:s3cret@h")
try:
    given = "s3" + "cret"
    raise LookupError("fell over")
except LookupError:
    log.exception("failed")
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_secret_is_in_no_line(form: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SOURCE.format(form=form)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "s3cret" not in done.stderr
    assert "fell over" in done.stderr
    assert "data:***@127.0.0.1" in done.stderr
