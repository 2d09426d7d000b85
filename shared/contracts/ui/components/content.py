"""Components that say or start something."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from shared.contracts.ui.actions import Trigger
from shared.contracts.ui.base import Name, Size, UiModel
from shared.contracts.ui.components.base import ComponentBase
from shared.contracts.ui.fields import Scalar


class Text(ComponentBase):
    type: Literal["text"]
    content: str
    size: Size | None = None
    weight: str | int | None = Field(default=None, description="`bold`, or a number such as 600.")
    color: str | None = None


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
    icon: str | None = Field(default=None, description="Name of a Tabler icon.")

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


class Markdown(ComponentBase):
    """Headings, lists, tables, links, code; HTML in it is shown as text."""

    type: Literal["markdown"]
    content: str = Field(max_length=100_000)


class Code(ComponentBase):
    """Text as it is, with a button that copies it."""

    type: Literal["code"]
    content: str = Field(max_length=100_000)
    language: str | None = Field(default=None, description="Shown above it.")


class Picture(ComponentBase):
    type: Literal["image"]
    src: str = Field(
        max_length=200_000,
        pattern=r"^(https?://|/([^/\\]|$)|data:image/|\{\{)",
        description="Address, path of this server, or `data:image/…`.",
    )
    alt: str | None = Field(default=None, description="What it shows, for those who do not see it.")
    width: Size | None = None
    height: Size | None = None
    fit: Literal["contain", "cover", "fill", "none", "scale-down"] | None = None


class DetailItem(UiModel):
    """One line of details."""

    id: Name = Field(description="Key of the document; `a.b` reaches into it.")
    label: str
    render: str | None = Field(default=None, description="As in a table's column.")


class Details(ComponentBase):
    """Keys and values of one document: the first of a collection, or the row or result around it."""

    type: Literal["details"]
    data_source: Name | None = Field(default=None, description="The row or result around it when left out.")
    where: dict[str, Scalar | None] | None = Field(
        default=None, max_length=20, description="Only documents whose keys have these values."
    )
    sort: str | None = Field(default=None, max_length=500)
    items: list[DetailItem] = Field(
        default_factory=list, max_length=100, description="Every key when left out."
    )
    empty_message: str | None = None


class UploadZone(ComponentBase):
    """Takes files and runs `action` with `{file: {name, size, type, id}}`; `files`, a list, with `multiple`."""

    type: Literal["upload"]
    action: Name
    label: str | None = None
    description: str | None = None
    accept: str | None = Field(default=None, max_length=500, description="As HTML's `accept`: `.ics,text/*`.")
    max_size: int | None = Field(default=None, ge=1, description="Bytes; never more than 64 MiB.")
    multiple: bool | None = Field(default=None, description="Several files at once, at most 20.")
    params: dict[str, Any] | None = Field(default=None, description="Sent with the action.")


class RunView(ComponentBase):
    """Shows a run of the plugin: `run`, or else the last one of `action`, or of any action."""

    action: Name | None = None
    run: str | None = Field(default=None, max_length=200, description="A run's id, or `{{run_id}}`.")


class ProgressBar(RunView):
    """How far a run is, as it says with `plugarr.progress`; or `value`, from 0 to 100."""

    type: Literal["progress"]
    label: str | None = None
    value: int | float | str | None = Field(default=None, description="A number, or `{{key}}`.")
    color: str | None = None


class LogView(RunView):
    """The log of a run, as it grows."""

    type: Literal["log"]
    title: str | None = None
    height: int | None = Field(default=None, ge=80, le=2000, description="Pixels; 280 when left out.")
