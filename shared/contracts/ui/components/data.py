"""Components that read a plugin's collections or write to its actions."""

from typing import Literal

from pydantic import Field

from shared.contracts.ui.actions import RowAction
from shared.contracts.ui.base import Name, UiModel
from shared.contracts.ui.components.base import ComponentBase
from shared.contracts.ui.fields import FormField

RENDERERS = (
    "text",
    "datetime",
    "date",
    "boolean",
    "badge",
    "link",
    "image",
    "number",
    "bytes",
    "duration",
    "progress",
)
"""How a cell may be drawn; the UI draws any other as text, and `plugarr check` names it."""


class Form(ComponentBase):
    """Runs `submit_action` with its values as params."""

    type: Literal["form"]
    fields: list[FormField]
    submit_action: Name
    submit_label: str | None = None


class Column(UiModel):
    """One column of a table; `id` is the key of the documents, `a.b` reaches into them."""

    id: Name
    label: str
    sortable: bool | None = None
    render: str | None = Field(default=None, description=f"One of {', '.join(RENDERERS)}.")


class Table(ComponentBase):
    """The documents of a collection in rows; searchable and paged only when it says so."""

    type: Literal["table"]
    data_source: Name
    columns: list[Column] = Field(
        default_factory=list, description="Every key of the documents when left out."
    )
    row_actions: list[RowAction] | None = None
    searchable: bool | None = None
    pagination: bool | None = None


class ItemTemplate(UiModel):
    """Texts with `{{key}}`, `{{a.b}}` and `{{key|datetime}}`; what is missing is empty."""

    title: str
    subtitle: str | None = None
    badge: str | None = None


class List(ComponentBase):
    """The documents of a collection, one line or two each."""

    type: Literal["list"]
    data_source: Name
    item_template: ItemTemplate


class DragDropList(ComponentBase):
    """The documents of a collection in an order that the user sets.

    `on_reorder` gets `{items: [{_id, order}], moved_item_id, from_index, to_index}`; without it the
    platform writes `order_field` itself.
    """

    type: Literal["drag_drop_list"]
    data_source: Name
    item_template: ItemTemplate
    on_reorder: Name | None = None
    order_field: Name = "order"
    actions: list[RowAction] | None = None
    empty_message: str | None = None
