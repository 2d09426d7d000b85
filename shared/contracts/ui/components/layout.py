"""Components that hold others."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from shared.contracts.ui.base import Name, Size, UiModel
from shared.contracts.ui.components.base import ComponentBase
from shared.contracts.ui.conditions import Condition
from shared.contracts.ui.fields import FormField

if TYPE_CHECKING:
    from shared.contracts.ui.components import Component


class Stack(ComponentBase):
    """Its components below one another."""

    type: Literal["stack"]
    gap: Size | None = Field(default=None, description="Space between the components; `md` when left out.")
    components: "list[Component]" = Field(default_factory=list)


class Group(ComponentBase):
    """Its components beside one another."""

    type: Literal["group"]
    gap: Size | None = None
    justify: str | None = Field(default=None, description="CSS `justify-content`, e.g. `space-between`.")
    components: "list[Component]" = Field(default_factory=list)


class Card(ComponentBase):
    """A box around its components."""

    type: Literal["card"]
    title: str | None = None
    components: "list[Component]" = Field(default_factory=list)


class Grid(ComponentBase):
    """Its components in columns of equal width; fewer of them on a narrow screen."""

    type: Literal["grid"]
    columns: int | None = Field(default=None, ge=1, le=12, description="3 when left out.")
    gap: Size | None = None
    components: "list[Component]" = Field(default_factory=list)


class TabItem(UiModel):
    """One tab; its components are drawn when it is first opened."""

    id: Name
    label: Name
    icon: str | None = None
    components: "list[Component]" = Field(default_factory=list)


class Tabs(ComponentBase):
    """One of its items at a time."""

    type: Literal["tabs"]
    items: list[TabItem] = Field(min_length=1)


class Modal(ComponentBase):
    """A dialog, opened by a button or row action whose `opens` is its id; a row fills its form."""

    type: Literal["modal"]
    id: Name
    title: str | None = None
    size: Size | None = None
    components: "list[Component]" = Field(default_factory=list)


class Drawer(ComponentBase):
    """A modal that slides in from a side."""

    type: Literal["drawer"]
    id: Name
    title: str | None = None
    size: Size | None = None
    position: Literal["left", "right", "top", "bottom"] | None = Field(
        default=None, description="`right` when left out."
    )
    components: "list[Component]" = Field(default_factory=list)


class Step(UiModel):
    """One step of a stepper: its own components, and fields that the next step waits for."""

    id: Name
    label: Name
    description: str | None = None
    icon: str | None = None
    fields: list[FormField] | None = None
    components: "list[Component]" = Field(default_factory=list)


class Stepper(ComponentBase):
    """A form in steps: the last one runs `submit_action` with the values of all of them."""

    type: Literal["stepper"]
    items: list[Step] = Field(min_length=1, max_length=20)
    submit_action: Name | None = None
    submit_label: str | None = None

    @property
    def fields(self) -> list[Any]:
        """The fields of all steps: as a form's, they validate what is submitted."""
        return [field for step in self.items for field in step.fields or ()]


class Poll(ComponentBase):
    """Runs `action` again and again while the page is open; its result fills the components below it."""

    type: Literal["poll"]
    action: Name
    params: dict[str, Any] | None = None
    every_s: int | float | None = Field(
        default=None, ge=2, le=3600, description="Seconds between two runs; 5 when left out."
    )
    until: Condition | None = Field(default=None, description="Stops when it holds for the result.")
    components: "list[Component]" = Field(default_factory=list)
