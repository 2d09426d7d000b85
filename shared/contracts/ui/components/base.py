"""What every component has, and the one that stands in for a bad one."""

from typing import Literal

from shared.contracts.ui.base import UiModel


class ComponentBase(UiModel):
    """Any component may carry an id; forms, tables and modals are addressed by it."""

    id: str | None = None


class InvalidComponent(ComponentBase):
    """Stands where a component could not be understood; `errors` begin with the path on the page."""

    type: Literal["invalid"]
    errors: list[str]
