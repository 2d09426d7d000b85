"""A real mongod as a replica set of one, with passwords; transactions and change streams need the set."""

import contextlib
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pymongo
import pymongo.errors

from deploy.embedded.process import Failed, start, tail, wait_for_port

DATABASE: Final = "plugarr"
_REPLICA_SET: Final = "plugarr"


@dataclass(frozen=True)
class Mongo:
    """Where the embedded mongod is and who may use it."""

    binary: Path
    store: Path
    log: Path
    keyfile: Path
    root_password: str
    data_password: str
    port: int = 27017

    @property
    def url(self) -> str:
        """For the data service, whose user may read and write the platform's database only."""
        return self.url_without_user.replace("//", f"//data:{quote(self.data_password, safe='')}@")

    @property
    def url_without_user(self) -> str:
        """The same for a service that has user and password from the secrets' folder."""
        return f"mongodb://127.0.0.1:{self.port}/{DATABASE}?replicaSet={_REPLICA_SET}&authSource={DATABASE}"

    def start(self) -> "subprocess.Popen[bytes]":
        """Start it and wait until it is a primary that knows the data service's user."""
        self.store.mkdir(parents=True, exist_ok=True)
        process = start(
            [
                self.binary, "--dbpath", self.store, "--bind_ip", "127.0.0.1", "--port", str(self.port),
                "--replSet", _REPLICA_SET, "--auth", "--keyFile", self.keyfile, "--wiredTigerCacheSizeGB", "0.25",
                # A collection is replaced in one transaction, whose changes all stay in the cache until it commits.
                "--wiredTigerEngineConfigString", "eviction_dirty_trigger=80,eviction_updates_trigger=80",
                "--nounixsocket", "--setParameter", "diagnosticDataCollectionEnabled=false", "--quiet",
            ],
            log=self.log,
        )  # fmt: skip
        try:
            wait_for_port(process, "127.0.0.1", self.port, self.log, 60)
            self.prepare(process)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return process

    def prepare(self, process: "subprocess.Popen[bytes]") -> None:
        """Initiate the set, make the users, and set the passwords that the secrets' folder has."""
        if not self._knows_root():
            with self._client() as client:
                # Without users yet, loopback may do this.
                client.admin.command(
                    "replSetInitiate",
                    {"_id": _REPLICA_SET, "members": [{"_id": 0, "host": f"127.0.0.1:{self.port}"}]},
                )
                self._await_primary(client, process)
                client.admin.command(
                    "createUser", "root", pwd=self.root_password, roles=[{"role": "root", "db": "admin"}]
                )
        with self._client("root", self.root_password) as client:
            self._follow_port(client)
            self._await_primary(client, process)
            roles = [{"role": "readWrite", "db": DATABASE}]
            database = client[DATABASE]
            if database.command("usersInfo", "data")["users"]:
                database.command("updateUser", "data", pwd=self.data_password, roles=roles)
            else:
                database.command("createUser", "data", pwd=self.data_password, roles=roles)

    def _knows_root(self) -> bool:
        with self._client("root", self.root_password) as client:
            try:
                client.admin.command("ping")
            except pymongo.errors.OperationFailure:
                return False
        return True

    def _client(
        self, user: str | None = None, password: str = ""
    ) -> "pymongo.MongoClient[dict[str, object]]":
        login = f"{user}:{quote(password, safe='')}@" if user else ""
        return pymongo.MongoClient(
            f"mongodb://{login}127.0.0.1:{self.port}/?directConnection=true&serverSelectionTimeoutMS=30000"
        )

    def _follow_port(self, client: "pymongo.MongoClient[dict[str, object]]") -> None:
        """The set remembers its member's address; a data directory may be opened on another port."""
        config = client.admin.command("replSetGetConfig")["config"]
        here = f"127.0.0.1:{self.port}"
        if config["members"][0]["host"] != here:
            config["members"][0]["host"] = here
            config["version"] += 1
            client.admin.command("replSetReconfig", config, force=True)

    def _await_primary(
        self, client: "pymongo.MongoClient[dict[str, object]]", process: "subprocess.Popen[bytes]"
    ) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise Failed(f"mongod ended with {process.returncode}: {tail(self.log)}")
            with contextlib.suppress(pymongo.errors.PyMongoError):
                hello = client.admin.command("hello")
                if hello.get("isWritablePrimary"):
                    return
            time.sleep(0.05)
        raise Failed(f"mongod is no primary after 60 s: {tail(self.log)}")
