"""Pages: what a plugin draws."""

from pydantic import Field

from shared.contracts.ui.base import UiModel
from shared.contracts.ui.components import Component

MAIN_PAGE = "main"


class Page(UiModel):
    """One entry of `Plugin.pages`."""

    title: str | None = None
    description: str | None = None
    components: list[Component] = Field(default_factory=list)


def opening_page(pages: dict[str, Page]) -> str | None:
    """The id of the page that opens without an id: `main`, else the first, else none."""
    return MAIN_PAGE if MAIN_PAGE in pages else next(iter(pages), None)
