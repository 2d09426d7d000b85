"""What the data service is told by its environment."""

from typing import Self
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import Field, SecretStr, model_validator

from shared.settings import CommonSettings


class Settings(CommonSettings):
    """Settings of the data service."""

    mongo_url: str = Field(
        default="",
        description="MongoDB as a replica set, database included, e.g. mongodb://127.0.0.1:27017/plugarr?"
        "replicaSet=rs0. Without a name and password in it: user data, and the secret mongo-data.",
    )
    mongo_timeout_s: float = Field(default=10.0, gt=0, description="Time limit of an ordinary query.")
    mongo_bulk_timeout_s: float = Field(
        default=28.0, gt=0, description="Time limit of lists, and of replacing and clearing collections."
    )
    history_days: float = Field(default=30.0, gt=0, description="How long ended runs are kept.")
    admin_user: str = Field(default="", description="Name of the first administrator, made at start.")
    admin_password: SecretStr | None = Field(default=None, description="Password of the first administrator.")

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if bool(self.admin_user) != (self.admin_password is not None):
            raise ValueError("PLUGARR_ADMIN_USER and PLUGARR_ADMIN_PASSWORD go together")
        return self

    def mongo_uri(self) -> str:
        """The URL with credentials. Raises SystemExit, saying what to give, where something is missing."""
        if not self.mongo_url:
            raise SystemExit(
                "PLUGARR_MONGO_URL is not set: the data service needs MongoDB as a replica set, e.g. "
                "PLUGARR_MONGO_URL=mongodb://127.0.0.1:27017/plugarr?replicaSet=rs0. "
                "`plugarr up` starts one on this machine."
            )
        parts = urlsplit(self.mongo_url)
        if "@" in parts.netloc:
            return self.mongo_url
        password = self.secret("mongo-data")
        if password is None:
            raise SystemExit(
                f"No password for MongoDB: put it into {self.secrets_dir}/mongo-data (mode 0600), "
                "or name user and password in PLUGARR_MONGO_URL."
            )
        return urlunsplit(parts._replace(netloc=f"data:{quote(password, safe='')}@{parts.netloc}"))
