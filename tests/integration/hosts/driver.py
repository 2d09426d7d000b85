"""An executor in a process of its own, which tests stop and kill."""

import asyncio
import sys
from pathlib import Path

from services.executor.hosts import HostOptions, PluginHosts
from services.executor.ports import PluginSpec
from tests.integration.hosts.conftest import FakeUpcalls


async def main(files: Path, key: str, sandbox: str) -> None:
    """Load the plugin, say so, and beat until killed."""
    hosts = PluginHosts(HostOptions(files_dir=files, sandbox=sandbox), FakeUpcalls())  # type: ignore[arg-type]
    loaded = await hosts.load(PluginSpec(key, key, files / "plugins" / key, "d", {}), {})
    print("loaded" if loaded.ok else loaded.error, flush=True)  # noqa: T201 - read by the test
    while True:
        hosts.beat()
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
