"""What the registry is told by its environment."""

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, field_validator

from shared.settings import CommonSettings


class Settings(CommonSettings):
    """Settings of the registry, beside those of every service."""

    plugins_dir: Path = Field(
        default=Path("./data/plugins"),
        validation_alias=AliasChoices("PLUGARR_PLUGINS_DIR", "DISPATCHARR_PLUGINS_DIR", "plugins_dir"),
        description="The plugin directory; DISPATCHARR_PLUGINS_DIR is understood too.",
    )
    watch: Literal["auto", "poll"] = Field(
        default="auto",
        description="How changes in the plugin directory are seen: told by the system, or looked for every second.",
    )

    @field_validator("plugins_dir")
    @classmethod
    def _absolute_directory(cls, value: Path) -> Path:
        return value.expanduser().absolute()
