"""Fields: what a user can enter, the same in settings and in every form."""

from typing import Annotated, Any, Literal, Union

from pydantic import Field
from typing_extensions import TypeAliasType

from shared.contracts.ui.base import Name, UiModel
from shared.contracts.ui.conditions import Condition

Scalar = str | int | float | bool


class Option(UiModel):
    """One choice of a select."""

    value: Scalar | None
    label: str


class OptionsFrom(UiModel):
    """Options that are the documents of a collection, as they are when the field is opened."""

    data_source: Name
    value: Name = Field(default="_id", description="Key of the option's value; `_id` when left out.")
    label: Name | None = Field(
        default=None, description="Text with `{{key}}`; the value itself when left out."
    )
    where: dict[str, Scalar | None] | None = Field(
        default=None, description="Only documents whose keys have these values."
    )


class FieldBase(UiModel):
    """The keys of every field, whatever its type."""

    id: Name
    label: str
    description: str | None = None
    help_text: str | None = None
    required: bool = False
    default: Any = None
    value: Any = Field(default=None, description="What an `info` field shows.")
    placeholder: str | None = None
    input_type: str | None = Field(default=None, description="`password` masks the value everywhere.")
    visible_if: Condition | None = Field(
        default=None, description="Shown, and required, only where it holds for the form's values."
    )
    disabled_if: Condition | None = Field(default=None, description="Cannot be changed where it holds.")


class BooleanField(FieldBase):
    type: Literal["boolean"]


class NumberField(FieldBase):
    type: Literal["number"]
    min: float | None = None
    max: float | None = None
    step: float | None = Field(default=None, gt=0)


class _Written(FieldBase):
    max_length: int | None = Field(default=None, ge=0)


class StringField(_Written):
    type: Literal["string"]


class TextField(_Written):
    """Longer text; `rows` says how many lines the UI shows."""

    type: Literal["text"]
    rows: int | None = Field(default=None, ge=1)


class UrlField(_Written):
    type: Literal["url"]


class EmailField(_Written):
    type: Literal["email"]


class SelectField(FieldBase):
    type: Literal["select"]
    options: list[Option] = Field(default_factory=list)
    options_from: OptionsFrom | None = Field(default=None, description="Options from a collection.")


class MultiselectField(FieldBase):
    type: Literal["multiselect"]
    options: list[Option] = Field(default_factory=list)
    options_from: OptionsFrom | None = Field(default=None, description="Options from a collection.")


class InfoField(FieldBase):
    """Display only; an id that begins with `_section` opens a collapsible section."""

    type: Literal["info"]


class DateField(FieldBase):
    """`YYYY-MM-DD`."""

    type: Literal["date"]


class TimeField(FieldBase):
    """`HH:MM`."""

    type: Literal["time"]


class DatetimeField(FieldBase):
    """RFC 3339 in UTC."""

    type: Literal["datetime"]


class ColorField(FieldBase):
    """`#rrggbb`."""

    type: Literal["color"]


class FileField(FieldBase):
    """`{name, size, type, id}`; the content is read with `plugarr.open_file(id)`."""

    type: Literal["file"]
    accept: str | None = None
    max_size: int | None = Field(default=None, ge=0, description="Bytes; never more than 64 MiB.")


CellField = TypeAliasType(
    "CellField",
    Annotated[
        Union[  # noqa: UP007 - a long union reads better as a list
            BooleanField,
            NumberField,
            StringField,
            TextField,
            SelectField,
            MultiselectField,
            InfoField,
            UrlField,
            EmailField,
            DateField,
            TimeField,
            DatetimeField,
            ColorField,
        ],
        Field(discriminator="type"),
    ],
)


class TableField(FieldBase):
    """A list of rows; each column is a field of its own."""

    type: Literal["table"]
    columns: list[CellField] = Field(default_factory=list)
    min_rows: int | None = Field(default=None, ge=0)
    max_rows: int | None = Field(default=None, ge=0)


class InvalidField(UiModel):
    """Stands where a form's field could not be understood."""

    type: Literal["invalid"]
    id: str
    errors: list[str]


FieldSpec = TypeAliasType(
    "FieldSpec",
    Annotated[
        Union[  # noqa: UP007 - a long union reads better as a list
            BooleanField,
            NumberField,
            StringField,
            TextField,
            SelectField,
            MultiselectField,
            InfoField,
            UrlField,
            EmailField,
            DateField,
            TimeField,
            DatetimeField,
            ColorField,
            FileField,
            TableField,
        ],
        Field(discriminator="type"),
    ],
)
"""A setting, or a field of a form."""

FormField = TypeAliasType(
    "FormField",
    Annotated[
        Union[  # noqa: UP007 - a long union reads better as a list
            BooleanField,
            NumberField,
            StringField,
            TextField,
            SelectField,
            MultiselectField,
            InfoField,
            UrlField,
            EmailField,
            DateField,
            TimeField,
            DatetimeField,
            ColorField,
            FileField,
            TableField,
            InvalidField,
        ],
        Field(discriminator="type"),
    ],
)
"""A field of a form, or the notice that stands in for a bad one."""

CELL_FIELDS: dict[str, type[FieldBase]] = {
    "boolean": BooleanField,
    "number": NumberField,
    "string": StringField,
    "text": TextField,
    "select": SelectField,
    "multiselect": MultiselectField,
    "info": InfoField,
    "url": UrlField,
    "email": EmailField,
    "date": DateField,
    "time": TimeField,
    "datetime": DatetimeField,
    "color": ColorField,
}
"""The types that fit into a cell of a table field."""

FIELDS: dict[str, type[FieldBase]] = {**CELL_FIELDS, "file": FileField, "table": TableField}
"""Every field type by its name."""
