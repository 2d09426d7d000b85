"""What every service is told by its environment (`PLUGARR_…`)."""

import socket
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.contracts.base import new_id


def read_secret(folder: Path, name: str) -> str | None:
    """The secret in a file of that name, or None where there is none."""
    path = folder / name
    try:
        return path.read_text().strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None


class CommonSettings(BaseSettings):
    """Settings that all services share. A service that is given a bus URL must be given its secrets too."""

    model_config = SettingsConfigDict(env_prefix="PLUGARR_", extra="ignore", env_ignore_empty=True)

    nats_url: str = Field(
        default="", description="Where the bus is, e.g. nats://127.0.0.1:4222; several by commas."
    )
    nats_user: str = Field(default="", description="Name on the bus; by default the service's name.")
    nats_password: SecretStr | None = Field(default=None, description="By default the file nats-<user>.")
    nats_tls_ca: Path | None = Field(default=None, description="CA file, where the bus speaks TLS.")
    data_dir: Path = Field(default=Path("./data"), description="State of this machine.")
    secrets_dir: Path | None = Field(default=None, description="By default <data_dir>/secrets.")
    instance: str = Field(default_factory=lambda: new_id()[-12:], description="Name of this replica.")
    site: str = Field(
        default_factory=socket.gethostname, description="Executors that share the data directory."
    )
    health_host: str = Field(default="127.0.0.1", description="Address of /livez, /readyz and /metrics.")
    health_port: int = Field(default=0, description="Port of these; 0 takes the service's own default.")
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    durability: Literal["standard", "strict"] = "standard"

    @field_validator("data_dir", "secrets_dir", "nats_tls_ca")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else value

    @model_validator(mode="after")
    def _secrets_beside_data(self) -> Self:
        if self.secrets_dir is None:
            self.secrets_dir = self.data_dir / "secrets"
        return self

    def secret(self, name: str) -> str | None:
        """A secret from the secrets' folder."""
        assert self.secrets_dir is not None
        return read_secret(self.secrets_dir, name)

    def bus_password(self, user: str) -> str:
        """The password of a bus user. Raises SystemExit, saying what to give, where there is none."""
        if self.nats_password:
            return self.nats_password.get_secret_value()
        found = self.secret(f"nats-{user}")
        if found is None:
            raise SystemExit(
                f"No password for the bus user {user!r}: set PLUGARR_NATS_PASSWORD, or put it into "
                f"{self.secrets_dir}/nats-{user} (mode 0600). `plugarr up` makes these files."
            )
        return found

    def require_bus(self) -> None:
        """Raise SystemExit, saying what to give, where no bus is named."""
        if not self.nats_url:
            raise SystemExit(
                "PLUGARR_NATS_URL is not set: a service alone needs a bus, e.g. "
                "PLUGARR_NATS_URL=nats://127.0.0.1:4222. `plugarr up` starts everything on one machine."
            )
