"""What the executor is told by its environment."""

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import NoDecode

from shared.settings import CommonSettings

SITE_FILE: Final = "site"


class Settings(CommonSettings):
    """The executor's settings."""

    grace_s: float = Field(
        default=25.0,
        ge=0,
        le=3600,
        description="Seconds that running runs may take to end when it is stopped.",
    )
    handover_s: float = Field(
        default=10.0,
        ge=0,
        le=3600,
        description="Seconds that running runs may take where their plugin moves, is reloaded or disabled.",
    )
    host_database_url: str = Field(
        default="", description="The host application's database (PostgreSQL); by default SQLite in data_dir."
    )
    redis_url: str = Field(
        default="", description="The Redis that plugins share; by default a small one of this site's own."
    )
    dispatcharr_url: str = Field(
        default="", description="A running Dispatcharr, whose REST API does what its own tasks do."
    )
    dispatcharr_api_key: str = Field(default="", description="The API key for dispatcharr_url.")
    sandbox: Literal["require", "prefer", "off"] = Field(
        default="prefer", description="Whether plugins must, should or do not run in a sandbox."
    )
    plugin_environment: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Names, by commas, of environment variables that plugins get beside the usual ones.",
    )

    @model_validator(mode="before")
    @classmethod
    def _names(cls, values: dict[str, object]) -> dict[str, object]:
        given = values.get("plugin_environment")
        if isinstance(given, str):
            values["plugin_environment"] = tuple(name.strip() for name in given.split(",") if name.strip())
        return values

    @model_validator(mode="after")
    def _same_site_as_before(self) -> Self:
        # A container's host name changes with every start; its data directory says which site it is.
        if "site" not in self.model_fields_set:
            known = self.state_dir / SITE_FILE
            if known.is_file():
                self.site = known.read_text().strip() or self.site
        return self

    @property
    def files_dir(self) -> Path:
        """What plugins see as `/data`."""
        return self.data_dir / "files"

    @property
    def state_dir(self) -> Path:
        """What executors of this site remember, out of plugins' sight."""
        return self.data_dir / "executor"

    def remember_site(self) -> None:
        """Keep the site's name with its files."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        (self.state_dir / SITE_FILE).write_text(f"{self.site}\n")
