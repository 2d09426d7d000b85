"""Components that hold others."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from shared.contracts.ui.base import Name, Size, UiModel
from shared.contracts.ui.components.base import ComponentBase

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
