"""A plugin reaches nothing of the platform but what its executor gives it."""

from tests.e2e.platform import Api, Platform

REACHING = """
    import os, socket, sys

    class Plugin:
        name = "Reaching"

        def run(self, action, params, context):
            return getattr(self, action)(**params)

        def bus(self, port):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
                s.recv(4096)
                s.sendall(b'CONNECT {"verbose": true}\\r\\nPING\\r\\n')
                return {"said": s.recv(4096).decode()}

        def mongo(self, port):
            import pymongo
            client = pymongo.MongoClient(f"mongodb://127.0.0.1:{port}/?directConnection=true", serverSelectionTimeoutMS=5000)
            try:
                return {"names": client.list_database_names()}
            except pymongo.errors.OperationFailure as error:
                return {"refused": error.details["codeName"]}

        def imports(self):
            found = []
            for name in ("services", "shared", "tests", "deploy"):
                try:
                    __import__(name)
                    found.append(name)
                except ImportError:
                    pass
            return {"found": found, "path": sys.path}

        def environment(self):
            return {"names": sorted(os.environ), "values": sorted(os.environ.values())}

        def descriptors(self):
            return {"open": [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")]}
"""


def reaching(api: Api, platform: Platform) -> str:
    if "reaching" not in api.plugins():
        platform.write_plugin("reaching", REACHING)
    api.enable("reaching")
    return "reaching"


def test_the_bus_refuses_a_plugin_without_a_password(api: Api, platform: Platform) -> None:
    port = int(platform.running.nats.rsplit(":", 1)[1])
    said = api.result(reaching(api, platform), "bus", {"port": port})["said"]
    assert "Authorization" in said
    assert "PONG" not in said


def test_mongodb_refuses_a_plugin_without_a_password(api: Api, platform: Platform) -> None:
    (mongod,) = platform.pids("mongod")
    with open(f"/proc/{mongod}/cmdline") as file:  # noqa: PTH123 - /proc
        words = file.read().split("\0")
    port = int(words[words.index("--port") + 1])
    assert api.result(reaching(api, platform), "mongo", {"port": port}) == {"refused": "Unauthorized"}


def test_a_host_finds_none_of_the_platforms_packages(api: Api, platform: Platform) -> None:
    assert api.result(reaching(api, platform), "imports")["found"] == []


def test_a_hosts_environment_holds_no_secret_and_nothing_of_the_platform(
    api: Api, platform: Platform
) -> None:
    seen = api.result(reaching(api, platform), "environment")
    assert not [
        name
        for name in seen["names"]
        if "PASSWORD" in name or name.startswith(("PLUGARR_NATS", "PLUGARR_MONGO"))
    ]
    secrets = {path.read_text() for path in (platform.data_dir / "secrets").iterdir()}
    assert not secrets & set(seen["values"])


def test_a_host_inherits_no_descriptor_of_the_platform(api: Api, platform: Platform) -> None:
    seen = api.result(reaching(api, platform), "descriptors")["open"]
    assert not [target for target in seen if str(platform.data_dir) in target and "/files/" not in target]
