"""Discovery of many plugins from cold: read, packaged, manifests in KV; beside reading the same files.

    python bench/discovery.py [--plugins 1000]

Starts a nats-server of its own. Prints seconds, the best of three.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import uvloop

from deploy.embedded import binaries
from deploy.embedded.nats import Nats
from deploy.embedded.process import free_port, stop
from deploy.embedded.secrets import ensure_secrets
from deploy.provisioner.apply import apply
from services.registry.main import App, create_app
from services.registry.settings import Settings
from shared import logging
from shared.messaging.bus import connect, wait_connected

CODE = """
import json
import threading

from .helper import fetch

PREFIX = "Plugin {n}"


class Plugin:
    name = PREFIX + " of the bench"
    version = "1.{n}.0"
    description = "Keeps an eye on channels and does something about them."
    author = "Somebody"
    fields = [
        {{"id": "url", "label": "URL", "type": "string", "default": "https://example.org/{n}"}},
        {{"id": "interval", "label": "Every (min)", "type": "number", "default": 15, "min": 1, "max": 1440}},
        {{"id": "mode", "label": "Mode", "type": "select", "default": "a",
          "options": [{{"value": "a", "label": "A"}}, {{"value": "b", "label": "B"}}]}},
        {{"id": "dry", "label": "Dry run", "type": "boolean", "default": True, "help_text": "Change nothing"}},
        {{"id": "notes", "label": "Notes", "type": "text"}},
    ]
    actions = [
        {{"id": "run", "label": "Run", "description": "Runs it", "button_label": "Go", "button_color": "green"}},
        {{"id": "reset", "label": "Reset", "confirm": {{"required": True, "title": "Sure?", "message": "Really"}}}},
    ]

    def __init__(self):
        self.lock = threading.Lock()

    def run(self, action, params, context):
        logger = context["logger"]
        settings = context["settings"]
        with self.lock:
            if action == "run":
                found = fetch(settings.get("url"), params)
                logger.info("found %d", len(found))
                return {{"status": "ok", "message": f"{{len(found)}} found", "found": json.dumps(found)}}
            if action == "reset":
                return {{"status": "ok"}}
        return {{"status": "error", "message": "unknown action"}}
"""
HELPER = (
    """
def fetch(url, params):
    rows = []
    for number in range(int(params.get("rows", 10))):
        rows.append({"url": url, "number": number, "even": number % 2 == 0})
    return rows
"""
    * 3
)
DECLARED = (
    '{{"name": "Plugin {n}", "version": "1.{n}.0", "author": "Somebody", "description": "From plugin.json"}}'
)


def write_plugins(directory: Path, number: int) -> None:
    for n in range(number):
        folder = directory / f"plugin_{n:04}"
        folder.mkdir(parents=True)
        (folder / "plugin.py").write_text(CODE.format(n=n))
        (folder / "helper.py").write_text(HELPER)
        (folder / "plugin.json").write_text(DECLARED.format(n=n))
        (folder / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(4000))


def read_files(directory: Path) -> float:
    began = time.perf_counter()
    for folder, _, names in os.walk(directory):
        for name in names:
            (Path(folder) / name).read_bytes()
    return time.perf_counter() - began


async def timed(app: App, number: int, directory: Path) -> dict[str, float]:
    """The steps of a lease holder, one after the other."""
    took: dict[str, float] = {}

    async def step(name: str, names: list[str] | None = None, *, epoch: int | None = None) -> None:
        began = time.perf_counter()
        if epoch is not None:
            await app.catalogue.take_over(epoch)
        await app.catalogue.scan(names)
        took[name] = time.perf_counter() - began

    await step("cold, nothing stored", epoch=1)
    assert len(app.catalogue.known) == number
    await step("cold, all of it stored", epoch=2)
    await step("again, nothing changed")
    (directory / "plugin_0007" / "helper.py").write_text("CHANGED = True\n")
    await step("one file changed", ["plugin_0007"])
    return took


async def measure(server: Nats, directory: Path, number: int) -> dict[str, float]:
    settings = Settings(nats_url=server.url, secrets_dir=server.secrets, plugins_dir=directory)
    provisioner = connect(settings, "provisioner")
    await wait_connected(provisioner)
    await apply(provisioner.nc.jetstream())
    await provisioner.broker.stop()
    app = create_app(settings)
    await wait_connected(app.bus)
    try:
        return await timed(app, number, directory)
    finally:
        await app.bus.broker.stop()


def once(number: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        directory = folder / "plugins"
        write_plugins(directory, number)
        ensure_secrets(folder / "secrets")
        server = Nats(
            binary=binaries.nats_server(),
            store=folder / "jetstream",
            log=folder / "nats.log",
            secrets=folder / "secrets",
            port=free_port(),
        )
        process = server.start()
        try:
            reading = read_files(directory)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                took = runner.run(measure(server, directory, number))
            return {"reading the files": reading, **took}
        finally:
            stop(process)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plugins", type=int, default=1000)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    logging.configure("bench", "bench", form="console", level="error")
    rounds = [once(options.plugins) for _ in range(options.times)]
    print(f"{options.plugins} plugins, best of {options.times}, seconds")
    for name in rounds[0]:
        print(f"  {name:<24} {min(took[name] for took in rounds):8.3f}")


if __name__ == "__main__":
    main()
