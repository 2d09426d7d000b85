"""Every component of a page; `Component` is their union, told apart by `type`."""

from typing import Annotated, Union

from pydantic import Field
from typing_extensions import TypeAliasType

from shared.contracts.ui.components.base import ComponentBase, InvalidComponent
from shared.contracts.ui.components.content import Alert, Badge, Button, Divider, Text, Title
from shared.contracts.ui.components.data import (
    RENDERERS,
    Column,
    DragDropList,
    Form,
    ItemTemplate,
    List,
    Table,
)
from shared.contracts.ui.components.layout import Card, Group, Modal, Stack, TabItem, Tabs

Component = TypeAliasType(
    "Component",
    Annotated[
        Union[  # noqa: UP007 - a long union reads better as a list
            Stack,
            Group,
            Card,
            Tabs,
            Modal,
            Text,
            Title,
            Alert,
            Badge,
            Button,
            Divider,
            Form,
            Table,
            List,
            DragDropList,
            InvalidComponent,
        ],
        Field(discriminator="type"),
    ],
)
"""A named alias, so that OpenAPI refers to it instead of repeating it at every level."""

for _holder in (Stack, Group, Card, Modal, TabItem, Tabs):
    _holder.model_rebuild(_types_namespace={"Component": Component, "TabItem": TabItem})

COMPONENTS: dict[str, type[ComponentBase]] = {
    "stack": Stack,
    "group": Group,
    "card": Card,
    "tabs": Tabs,
    "modal": Modal,
    "text": Text,
    "title": Title,
    "alert": Alert,
    "badge": Badge,
    "button": Button,
    "divider": Divider,
    "form": Form,
    "table": Table,
    "list": List,
    "drag_drop_list": DragDropList,
}
"""What an author may write, by the name that goes into `type`."""

__all__ = [
    "COMPONENTS",
    "RENDERERS",
    "Alert",
    "Badge",
    "Button",
    "Card",
    "Column",
    "Component",
    "ComponentBase",
    "Divider",
    "DragDropList",
    "Form",
    "Group",
    "InvalidComponent",
    "ItemTemplate",
    "List",
    "Modal",
    "Stack",
    "TabItem",
    "Table",
    "Tabs",
    "Text",
    "Title",
]
