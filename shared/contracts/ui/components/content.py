"""Components that say or start something."""

from typing import Literal, Self

from pydantic import Field, model_validator

from shared.contracts.ui.actions import Trigger
from shared.contracts.ui.base import Size
from shared.contracts.ui.components.base import ComponentBase


class Text(ComponentBase):
    type: Literal["text"]
    content: str
    size: Size | None = None
    weight: str | int | None = Field(default=None, description="`bold`, or a number such as 600.")


class Title(ComponentBase):
    type: Literal["title"]
    content: str
    order: int | None = Field(default=None, ge=1, le=6, description="Heading level 1 to 6; 2 when left out.")


class Alert(ComponentBase):
    """A banner with a title, a message or both."""

    type: Literal["alert"]
    title: str | None = None
    message: str | None = None
    color: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.title is None and self.message is None:
            raise ValueError("an alert needs `message` or `title`")
        return self


class Badge(ComponentBase):
    type: Literal["badge"]
    content: str
    color: str | None = None
    variant: str | None = None
    size: Size | None = None


class Button(ComponentBase, Trigger):
    type: Literal["button"]
    size: Size | None = None


class Divider(ComponentBase):
    type: Literal["divider"]
    label: str | None = None
    orientation: Literal["horizontal", "vertical"] | None = None
