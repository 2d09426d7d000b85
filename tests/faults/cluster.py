"""The services as a deployment runs them: each from its own entry point, on a bus and a database of three members."""

import contextlib
import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pymongo
import pymongo.errors

from deploy.embedded import binaries
from deploy.embedded.mongo import DATABASE, Mongo
from deploy.embedded.nats import save_bus_users
from deploy.embedded.process import free_port, start, stop, wait_for_port
from deploy.embedded.secrets import ensure_secret, ensure_secrets
from deploy.nats.config import Server, nats_config
from deploy.nats.permissions import PROVISIONER, SERVICES, BusUser, user_name
from shared.contracts.catalog import RUN_ENDED, RUN_REQUESTED_BY_USER
from tests.e2e.platform import ADMIN, ROOT, Platform, wait_until
from tests.faults.load import PLUGINS, BusLogin

_MEMBERS: Final = 3
_PUBLISHER: Final = "load"
_SERVICES: Final = ("data", "data", "registry", "executor", "executor", "gateway")


@dataclass
class Node:
    """A nats-server of the cluster."""

    number: int
    port: int
    monitor_port: int
    config: Path
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        self.process = start([binaries.nats_server(), "-c", self.config], log=self.log)
        wait_for_port(self.process, "127.0.0.1", self.port, self.log, 30)

    def is_healthy(self) -> bool:
        """Whether it has caught up with the others."""
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self.monitor_port}/healthz", timeout=2).status_code == 200
        return False


class Cluster(Platform):
    """Three nats-servers, three mongods, and the services, two of those that have replicas."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.secrets = self.data_dir / "secrets"
        self.nodes: list[Node] = []
        self._mongods: list[tuple[Mongo, subprocess.Popen[bytes]]] = []
        self._services: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, *, administrator: bool = True) -> "Cluster":
        ensure_secrets(self.secrets)
        save_bus_users(self.secrets, [BusUser(_PUBLISHER, (PLUGINS[0],))])
        self._start_nats()
        self._start_mongo()
        env = self._environment(administrator=administrator)
        done = subprocess.run(
            [sys.executable, "-m", "deploy.provisioner", "--once"],
            env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        for number, name in enumerate((PROVISIONER, *_SERVICES)):
            self._start_service(name, number, env)
        deadline = time.monotonic() + self.ready_within_s
        while not self._answers():
            assert time.monotonic() < deadline, self.tail()
            time.sleep(0.1)
        return self

    def stop(self, number: int = signal.SIGTERM) -> float:
        began = time.monotonic()
        for _, process in reversed(self._services):
            process.send_signal(number)
        for _, process in self._services:
            stop(process, grace_s=10)
        for _, process in self._mongods:
            stop(process)
        for node in self.nodes:
            if node.process:
                stop(node.process)
        return time.monotonic() - began

    def ended(self) -> list[str]:
        """Services that ended by themselves."""
        return [name for name, process in self._services if process.poll() is not None]

    def login(self) -> BusLogin:
        """How an outside publisher logs in."""
        user = user_name(_PUBLISHER)
        action = "__action__"
        subject = RUN_REQUESTED_BY_USER.subject.of(plugin=PLUGINS[0], action=action, user=_PUBLISHER)
        return BusLogin(
            url=self._nats_url,
            user=user,
            password=ensure_secret(self.secrets, f"nats-{user}"),
            inbox=f"_INBOX_user_{_PUBLISHER}",
            publish=subject.replace(action, "<action>"),
            results=RUN_ENDED.subject.pattern(kind="user", caller=_PUBLISHER),
        )

    # The bus

    @property
    def _nats_url(self) -> str:
        return ",".join(f"nats://127.0.0.1:{node.port}" for node in self.nodes)

    def _start_nats(self) -> None:
        users = [BusUser(_PUBLISHER, (PLUGINS[0],))]
        names = [*SERVICES, PROVISIONER, user_name(_PUBLISHER)]
        passwords = {name: ensure_secret(self.secrets, f"nats-{name}") for name in names}
        cluster_ports = [free_port() for _ in range(_MEMBERS)]
        for number, cluster_port in enumerate(cluster_ports):
            folder = self.folder / f"nats-{number}"
            folder.mkdir()
            node = Node(number, free_port(), free_port(), folder / "nats.conf", folder / "nats.log")
            server = Server(store=folder / "store", port=node.port, monitor_port=node.monitor_port)
            config: dict[str, Any] = json.loads(nats_config(server, passwords, users))
            config["server_name"] = f"plugarr-{number}"
            routes = [f"nats://127.0.0.1:{port}" for port in cluster_ports]
            config["cluster"] = {"name": "plugarr", "listen": f"127.0.0.1:{cluster_port}", "routes": routes}
            node.config.write_text(json.dumps(config))
            node.start()
            self.nodes.append(node)
        for node in self.nodes:
            wait_until(node.is_healthy, 30, node.log.read_text)

    # The database

    def _start_mongo(self) -> None:
        password = (self.secrets / "mongo-root").read_text()
        for number in range(_MEMBERS):
            mongo = Mongo(
                binary=binaries.mongod(),
                store=self.folder / f"mongo-{number}",
                log=self.folder / f"mongo-{number}.log",
                keyfile=self.secrets / "mongo-keyfile",
                root_password=password,
                data_password=(self.secrets / "mongo-data").read_text(),
                port=free_port(),
            )
            process = mongo.launch()
            wait_for_port(process, "127.0.0.1", mongo.port, mongo.log, 60)
            self._mongods.append((mongo, process))
        members = [
            {"_id": number, "host": f"127.0.0.1:{mongo.port}"}
            for number, (mongo, _) in enumerate(self._mongods)
        ]
        first = self._mongods[0][0]
        keyfile = first.keyfile.read_text().strip()
        with _member(first, "__system", keyfile, "local") as client:
            client.admin.command("replSetInitiate", {"_id": "plugarr", "members": members})
        with self._primary("__system", keyfile, "local") as client:
            role = [{"role": "root", "db": "admin"}]
            client.admin.command("createUser", "root", pwd=password, roles=role)
        with self._primary() as client:
            role = [{"role": "readWrite", "db": DATABASE}]
            client[DATABASE].command("createUser", "data", pwd=first.data_password, roles=role)

    def step_down(self) -> None:
        """Have the primary step down: another member is elected."""
        with self._primary() as client, contextlib.suppress(pymongo.errors.AutoReconnect):
            client.admin.command("replSetStepDown", 10, secondaryCatchUpPeriodSecs=5)

    @contextlib.contextmanager
    def _primary(self, user: str = "root", password: str = "", source: str = "admin") -> Any:
        password = password or self._mongods[0][0].root_password
        deadline = time.monotonic() + 60
        while True:
            for mongo, _ in self._mongods:
                with contextlib.suppress(pymongo.errors.PyMongoError):
                    with _member(mongo, user, password, source) as client:
                        primary = client.admin.command("hello")["isWritablePrimary"]
                    if primary:
                        with _member(mongo, user, password, source) as client:
                            yield client
                        return
            assert time.monotonic() < deadline, "MongoDB has no primary"
            time.sleep(0.1)

    # The services

    def _environment(self, *, administrator: bool) -> dict[str, str]:
        hosts = ",".join(f"127.0.0.1:{mongo.port}" for mongo, _ in self._mongods)
        return {
            **self.environment(administrator=administrator),
            "PLUGARR_NATS_URL": self._nats_url,
            "PLUGARR_NATS_REPLICAS": str(_MEMBERS),
            "PLUGARR_MONGO_URL": f"mongodb://{hosts}/{DATABASE}?replicaSet=plugarr&authSource={DATABASE}",
            "PLUGARR_SECRETS_DIR": str(self.secrets),
            "PLUGARR_DATA_DIR": str(self.data_dir),
            "PLUGARR_PLUGINS_DIR": str(self.plugins_dir),
            "PLUGARR_PORT": str(self.port),
        }

    def _start_service(self, name: str, number: int, env: dict[str, str]) -> None:
        package = "deploy" if name == PROVISIONER else "services"
        own = {"PLUGARR_INSTANCE": f"{name}-{number}", "PLUGARR_HEALTH_PORT": str(free_port())}
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"{package}.{name}"],
                env={**env, **own},
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        self._services.append((name, process))

    def _answers(self) -> bool:
        assert not self.ended(), self.tail()
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                body = {"username": ADMIN[0], "password": ADMIN[1]}
                return httpx.post(f"{self.url}/api/accounts/token/", json=body, timeout=10).status_code == 200
        return False

    def pids(self, name: str) -> list[int]:
        return [process.pid for service, process in self._services if service == name]

    def any_node(self, chance: random.Random) -> Node:
        return chance.choice(self.nodes)


@contextlib.contextmanager
def _member(mongo: Mongo, user: str, password: str, source: str) -> Any:
    options = {"directConnection": True, "authSource": source, "serverSelectionTimeoutMS": 5000}
    with pymongo.MongoClient(
        "127.0.0.1", mongo.port, username=user, password=password, **options
    ) as client:  # fmt: skip
        yield client
