"""What the gateway is told by its environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from shared.settings import CommonSettings

_REPOSITORY = Path(__file__).resolve().parents[2]
_SHORTEST_SECRET = 32


class Settings(CommonSettings):
    """Settings of the gateway."""

    host: str = Field(default="127.0.0.1", description="Address of HTTP and WebSocket.")
    port: int = Field(default=9191, ge=0, le=65_535, description="Port of HTTP and WebSocket.")
    public_url: str = Field(
        default="", description="How browsers reach the gateway, where a proxy hides its own address."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins of other web pages that may call the API, by commas; none by default.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Host names that requests may name, by commas; any by default."
    )
    forwarded_allow_ips: str = Field(
        default="127.0.0.1", description="Proxies whose X-Forwarded-For and -Proto are believed, by commas."
    )
    strict_upstream_auth: bool = Field(
        default=False, description="Only administrators run actions, as in Dispatcharr."
    )
    ws_per_user: int = Field(
        default=50, ge=1, description="WebSocket connections that a user may have on one gateway."
    )
    ws_total: int = Field(default=10_000, ge=1, description="WebSocket connections on one gateway.")
    jwt_secret: SecretStr | None = Field(
        default=None, description="Signs tokens, at least 32 characters; by default the file jwt."
    )
    ui_dir: Path = Field(
        default=_REPOSITORY / "frontend" / "dist", description="The built web UI, where there is one."
    )

    @field_validator("cors_origins", "allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("public_url")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        return value.rstrip("/")

    def signing_key(self) -> str:
        """What signs tokens. Raises SystemExit, saying what to give, where there is none."""
        found = self.jwt_secret.get_secret_value() if self.jwt_secret else self.secret("jwt")
        if not found:
            raise SystemExit(
                f"No secret for signing tokens: set PLUGARR_JWT_SECRET, or put it into {self.secrets_dir}/jwt "
                "(mode 0600). `plugarr up` makes that file."
            )
        if len(found) < _SHORTEST_SECRET:
            raise SystemExit(f"The secret for signing tokens has under {_SHORTEST_SECRET} characters.")
        return found
