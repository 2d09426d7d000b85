"""Components that read a plugin's collections or write to its actions."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from shared.contracts.ui.actions import RowAction
from shared.contracts.ui.base import Name, UiModel
from shared.contracts.ui.components.base import ComponentBase, Sourced
from shared.contracts.ui.conditions import Condition
from shared.contracts.ui.fields import FormField, Option, Scalar

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
    description: str | None = None
    initial: dict[str, Any] | None = Field(
        default=None, description="Values it opens with; a row that fills it comes on top."
    )
    disabled_if: Condition | None = Field(default=None, description="Cannot be sent where it holds.")


class Column(UiModel):
    """One column of a table; `id` is the key of the documents, `a.b` reaches into them."""

    id: Name
    label: str
    sortable: bool | None = None
    render: str | None = Field(default=None, description=f"One of {', '.join(RENDERERS)}.")
    align: Literal["left", "center", "right"] | None = None
    width: int | None = Field(default=None, ge=40, le=2000, description="Pixels.")
    filterable: bool | None = Field(default=None, description="Gets a filter above the table.")
    options: list[Option | Scalar] | None = Field(
        default=None, max_length=200, description="What the filter offers; a text to search when left out."
    )
    colors: dict[str, str] | None = Field(
        default=None, max_length=100, description="Colour of a badge by its value."
    )


class Table(Sourced):
    """The documents of a collection in rows; searchable and paged only when it says so."""

    type: Literal["table"]
    columns: list[Column] = Field(
        default_factory=list, description="Every key of the documents when left out."
    )
    row_actions: list[RowAction] | None = None
    searchable: bool | None = None
    pagination: bool | None = None
    page_size: int | None = Field(default=None, ge=1, le=500, description="Rows of a page; 20 when left out.")
    bulk_actions: list[RowAction] | None = Field(
        default=None, description="Buttons for the rows that were chosen; their action gets `{ids, items}`."
    )
    height: int | None = Field(
        default=None, ge=120, le=4000, description="Pixels before it scrolls; 560 when left out."
    )
    empty_message: str | None = None


class ItemTemplate(UiModel):
    """Texts with `{{key}}`, `{{a.b}}` and `{{key|datetime}}`; what is missing is empty."""

    title: str
    subtitle: str | None = None
    badge: str | None = None


class List(Sourced):
    """The documents of a collection, one line or two each."""

    type: Literal["list"]
    item_template: ItemTemplate
    actions: list[RowAction] | None = None
    empty_message: str | None = None


class DragDropList(ComponentBase):
    """The documents of a collection in an order that the user sets.

    `on_reorder` gets `{items: [{_id, order}], moved_item_id, from_index, to_index}`; without it the
    platform writes `order_field` itself.
    """

    type: Literal["drag_drop_list"]
    data_source: Name
    where: dict[str, Scalar | None] | None = Field(
        default=None, max_length=20, description="Only documents whose keys have these values."
    )
    item_template: ItemTemplate
    on_reorder: Name | None = None
    order_field: Name = "order"
    actions: list[RowAction] | None = None
    empty_message: str | None = None


Aggregate = Literal["count", "sum", "avg", "min", "max"]


class Stat(ComponentBase):
    """One number, large: `value`, or the `aggregate` of a collection, or of one key of its documents."""

    type: Literal["stat"]
    label: str
    value: int | float | str | None = None
    data_source: Name | None = None
    where: dict[str, Scalar | None] | None = Field(
        default=None, max_length=20, description="Only documents whose keys have these values."
    )
    aggregate: Aggregate | None = Field(default=None, description="`count` when left out.")
    field: Name | None = Field(default=None, description="Key that is summed, averaged …")
    render: str | None = Field(default=None, description="As in a table's column.")
    description: str | None = None
    icon: str | None = None
    color: str | None = None

    @model_validator(mode="after")
    def _has_a_number(self) -> Self:
        if self.value is None and self.data_source is None:
            raise ValueError("a stat needs `value` or `data_source`")
        if self.aggregate not in (None, "count") and self.field is None:
            raise ValueError(f"`{self.aggregate}` needs a `field`")
        return self


class Series(UiModel):
    """One line, area or set of bars of a chart."""

    id: Name = Field(description="Key of the documents; `a.b` reaches into them.")
    label: str | None = None
    color: str | None = None


class Chart(ComponentBase):
    """Documents of a collection, or `data`, drawn; at most 1,000 points."""

    type: Literal["chart"]
    kind: Literal["line", "bar", "area", "pie"]
    title: str | None = None
    data_source: Name | None = None
    data: list[dict[str, Any]] | None = Field(default=None, max_length=1000)
    where: dict[str, Scalar | None] | None = Field(
        default=None, max_length=20, description="Only documents whose keys have these values."
    )
    sort: str | None = Field(default=None, max_length=500)
    x: Name = Field(description="Key of the documents that stands below the points, or names the slices.")
    series: list[Series] = Field(default_factory=list, max_length=12)
    aggregate: Aggregate | None = Field(
        default=None, description="Documents with the same `x` become one point: their count, sum …"
    )
    stacked: bool | None = None
    height: int | None = Field(default=None, ge=80, le=2000, description="Pixels; 260 when left out.")

    @model_validator(mode="after")
    def _has_points(self) -> Self:
        if self.data is None and self.data_source is None:
            raise ValueError("a chart needs `data_source` or `data`")
        if not self.series and self.aggregate != "count":
            raise ValueError("a chart needs `series`, or `aggregate` as count")
        return self
