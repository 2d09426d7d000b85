"""What every noun of the UI schema has in common."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.config import JsonDict

Name = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
"""An id, an action or a collection: text that is not empty."""

Href = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=2048, pattern=r"^(https?://|mailto:|/([^/\\]|$)|\{\{)"
    ),
]
"""An address that a click may lead to: of the web, of mail, or of this UI; never a script."""

Size = str | int | float
"""A size of the theme (`xs` … `xl`) or a number of pixels."""


def _open(schema: JsonDict) -> None:
    """Leave `additionalProperties` out: true is JSON Schema's default, and typed clients stay exact."""
    schema.pop("additionalProperties", None)


class UiModel(BaseModel):
    """A node of the UI schema.

    Keys that we do not know pass through to the UI, so that a plugin written for a newer Plugarr loses
    nothing; `plugarr check` names them. Dump with `exclude_unset=True`: the author's own keys and no others.
    """

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True, json_schema_extra=_open)

    def document(self) -> dict[str, Any]:
        """The node as its author wrote it, normalised: the keys that were given, JSON-shaped."""
        return self.model_dump(mode="json", exclude_unset=True)
