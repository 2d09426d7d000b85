"""How the commands speak to people."""

from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def fail(message: str, *, code: int = 1) -> NoReturn:
    """Say what is wrong and end."""
    err.print(f"[red]error:[/] {escape(message)}", markup=True)
    raise typer.Exit(code)


def table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """Print rows in columns."""
    shown = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*("" if value is None else str(value) for value in row))
    out.print(shown)
