"""The plugin's entry in the sidebar."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from shared.contracts.ui.base import Name, UiModel

DEFAULT_ICON = "puzzle"

AppPath = Annotated[str, StringConstraints(pattern=r"^/([^/\\\s][^\\\s]*)?$", max_length=2048)]
"""A path inside the UI: never another host, never a script."""

Position = Literal["top", "bottom"] | int | float


class Navigation(UiModel):
    """`Plugin.navigation`."""

    label: Name
    icon: str | None = Field(default=None, description="Name of a Tabler icon; `puzzle` when left out.")
    path: AppPath | None = Field(default=None, description="`/plugins/<key>` when left out.")
    badge: int | float | str | None = None
    position: Position | None = Field(default=None, description="`top`, `bottom`, or a number.")


class NavigationItem(BaseModel):
    """An entry of `GET /api/plugins/navigation/`, with everything that was left out filled in."""

    key: str
    label: str
    icon: str
    path: str
    badge: int | float | str | None
    position: Position


def navigation_item(key: str, navigation: Navigation) -> NavigationItem:
    """Fill in what the author left out."""
    return NavigationItem(
        key=key,
        label=navigation.label,
        icon=navigation.icon or DEFAULT_ICON,
        path=navigation.path or f"/plugins/{key}",
        badge=navigation.badge,
        position="bottom" if navigation.position is None else navigation.position,
    )


def sorted_items(items: Iterable[NavigationItem]) -> list[NavigationItem]:
    """Numbers ascending, then `top`, then `bottom`; equal ones by label and key."""

    def rank(item: NavigationItem) -> tuple[int, float, str, str]:
        if isinstance(item.position, str):
            return (1 if item.position == "top" else 2, 0.0, item.label, item.key)
        return (0, float(item.position), item.label, item.key)

    return sorted(items, key=rank)
