"""What every component has, and the one that stands in for a bad one."""

from typing import Literal

from pydantic import Field

from shared.contracts.ui.base import Name, UiModel
from shared.contracts.ui.conditions import Condition
from shared.contracts.ui.fields import Scalar


class ComponentBase(UiModel):
    """Any component may carry an id; forms, tables and modals are addressed by it."""

    id: str | None = None
    visible_if: Condition | None = Field(default=None, description="Drawn only where it holds.")


class Sourced(ComponentBase):
    """Draws the documents of a collection of the plugin, and follows them live."""

    data_source: Name = Field(description="Name of the collection.")
    where: dict[str, Scalar | None] | None = Field(
        default=None, max_length=20, description="Only documents whose keys have these values."
    )
    sort: str | None = Field(
        default=None, max_length=500, description="Keys by commas, `-` before one for descending."
    )


class InvalidComponent(ComponentBase):
    """Stands where a component could not be understood; `errors` begin with the path on the page."""

    type: Literal["invalid"]
    errors: list[str]
