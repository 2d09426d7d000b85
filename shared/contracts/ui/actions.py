"""Actions: what a plugin can be told to do, and the buttons that tell it."""

from typing import Any, Self

from pydantic import Field, model_validator

from shared.contracts.ui.base import Href, Name, UiModel
from shared.contracts.ui.conditions import Condition


class Confirm(UiModel):
    """The dialog that is shown before an action runs; `required` left out means yes."""

    required: bool = True
    title: str | None = None
    message: str | None = None


class Action(UiModel):
    """One entry of `Plugin.actions`: a button on the plugins page."""

    id: Name
    label: Name
    description: str | None = None
    confirm: bool | Confirm | None = None
    button_label: str | None = None
    button_variant: str | None = None
    button_color: str | None = None
    events: list[Name] | None = Field(
        default=None, description="Events of the application that run the action, e.g. `channel_start`."
    )


class Trigger(UiModel):
    """What a button does: run `action`, open a modal or drawer, or go to a page or an address."""

    label: Name
    action: Name | None = None
    opens: Name | None = Field(default=None, description="Id of a modal or drawer of the same page.")
    page: Name | None = Field(default=None, description="Id of another page of the plugin to go to.")
    href: Href | None = Field(
        default=None, description="Address to open; `{{key}}` is filled from the row around it."
    )
    icon: str | None = Field(default=None, description="Name of a Tabler icon.")
    color: str | None = None
    variant: str | None = None
    confirm: bool | Confirm | None = None
    params: dict[str, Any] | None = Field(
        default=None, description="Sent with the action; a row's own keys come on top."
    )
    visible_if: Condition | None = Field(default=None, description="Shown only where it holds.")
    disabled_if: Condition | None = Field(default=None, description="Cannot be used where it holds.")

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.action is None and self.opens is None and self.page is None and self.href is None:
            raise ValueError("a button needs `action`, `opens`, `page` or `href`")
        return self


class RowAction(Trigger):
    """A button of each row or list item; the action gets the item's whole document as params."""

    id: Name
