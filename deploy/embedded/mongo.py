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
from pymongo.database import Database

from deploy.embedded.process import Failed, start, start_ready, tail, wait_for_port

DATABASE: Final = "plugarr"
_REPLICA_SET: Final = "plugarr"
_ALREADY_INITIALIZED: Final = 23


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
        return start_ready(self.launch, self.prepare)

    def launch(self) -> "subprocess.Popen[bytes]":
        """Start the process, no more."""
        self.store.mkdir(parents=True, exist_ok=True)
        return start(
            [
                self.binary, "--dbpath", self.store, "--bind_ip", "127.0.0.1", "--port", str(self.port),
                "--replSet", _REPLICA_SET, "--auth", "--keyFile", self.keyfile, "--wiredTigerCacheSizeGB", "0.25",
                # A collection is replaced in one transaction, whose changes all stay in the cache until it commits.
                "--wiredTigerEngineConfigString", "eviction_dirty_trigger=80,eviction_updates_trigger=80",
                "--nounixsocket", "--setParameter", "diagnosticDataCollectionEnabled=false", "--quiet",
            ],
            log=self.log,
        )  # fmt: skip

    def prepare(self, process: "subprocess.Popen[bytes]") -> None:
        """Wait for it; initiate the set, make the users, and set the passwords that the secrets' folder has.

        Whatever an earlier start left half done is finished. Raises Failed.
        """
        wait_for_port(process, "127.0.0.1", self.port, self.log, 60)
        try:
            self._prepare(process)
        except pymongo.errors.PyMongoError as error:
            raise Failed(f"mongod cannot be prepared: {error}") from error

    def _prepare(self, process: "subprocess.Popen[bytes]") -> None:
        if not self._knows_root():
            # As a member of the set would: its key file is known before any user is.
            with self._client("__system", self.keyfile.read_text().strip(), source="local") as client:
                try:
                    client.admin.command(
                        "replSetInitiate",
                        {"_id": _REPLICA_SET, "members": [{"_id": 0, "host": f"127.0.0.1:{self.port}"}]},
                    )
                except pymongo.errors.OperationFailure as error:
                    if error.code != _ALREADY_INITIALIZED:
                        raise
                    self._follow_port(client)
                self._await_primary(client, process)
                self._set_user(client.admin, "root", self.root_password, {"role": "root", "db": "admin"})
        with self._client("root", self.root_password) as client:
            self._follow_port(client)
            self._await_primary(client, process)
            role = {"role": "readWrite", "db": DATABASE}
            self._set_user(client[DATABASE], "data", self.data_password, role)

    def _set_user(
        self, database: "Database[dict[str, object]]", name: str, password: str, role: dict[str, str]
    ) -> None:
        verb = "updateUser" if database.command("usersInfo", name)["users"] else "createUser"
        database.command(verb, name, pwd=password, roles=[role])

    def _knows_root(self) -> bool:
        with self._client("root", self.root_password) as client:
            try:
                client.admin.command("ping")
            except pymongo.errors.OperationFailure:
                return False
        return True

    def _client(
        self, user: str, password: str, *, source: str = "admin"
    ) -> "pymongo.MongoClient[dict[str, object]]":
        options = f"directConnection=true&authSource={source}&serverSelectionTimeoutMS=5000"
        login = f"{user}:{quote(password, safe='')}"
        return pymongo.MongoClient(f"mongodb://{login}@127.0.0.1:{self.port}/?{options}")

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
