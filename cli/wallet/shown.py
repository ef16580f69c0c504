"""What commands print on standard output: records as the API's JSON, or tables for a person."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.text import printable
from client import AnswerHead, ListedTransfer, Wallet
from client.models import Shown
from client.requests import time_text

Json = dict[str, object]
Style = str
# Wider than any row: a terminal wraps what it has no room for, and nothing is cut.
_WIDTH = 10_000

_STYLES: Mapping[str, Style] = {
    "completed": "green",
    "captured": "green",
    "open": "green",
    "held": "yellow",
    "debited": "yellow",
    "frozen": "yellow",
    "rejected": "red",
    "refunded": "red",
    "closed": "red",
}


def json_of(record: Shown) -> Json:
    """A record with the names and the spelling of the API."""
    if isinstance(record, ListedTransfer):
        return _fields(record.whole or record, without="whole") | {"direction": record.direction}
    if isinstance(record, Wallet):
        accounts = [json_of(account) for account in record.accounts.values()]
        return {"user_id": record.user_id, "accounts": accounts}
    return _fields(record)


def keyed(answer: AnswerHead) -> Json:
    """The key of a request, and whether its answer is the first one again."""
    return {"idempotency_key": answer.key, "replayed": answer.replayed}


def print_json(value: object) -> None:
    """A JSON value, indented."""
    print(json.dumps(value, indent=2))


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Names and values, each on its line; without those that are empty."""
    console = _console()
    for name, value in facts:
        if value:
            console.print(Text(f"{name:<13}").append(printable(value), _STYLES.get(value, "")))


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, ids: Sequence[str] = ()
) -> None:
    """A table that is never cut; a column whose name begins with `>` is aligned to the right.

    Args:
        columns: their names.
        rows: a cell for each column.
        ids: the last columns, which stand below their row where a terminal is too narrow: somebody
            will copy them.
    """
    console = _console()
    told = [*columns, *ids]
    lines = _table_lines(console, told, rows)
    width = max(len(Text.from_ansi(line)) for line in lines)
    if ids and console.is_terminal and width > Console().width:
        lines = _table_lines(console, columns, [row[: len(columns)] for row in rows])
        for place, row in reversed(list(enumerate(rows, start=1))):
            below = zip(ids, row[len(columns) :], strict=True)
            lines[place + 1 : place + 1] = [
                f"    {name:<14}{printable(cell)}" for name, cell in below if cell
            ]
    print("\n".join(lines))


def _table_lines(
    console: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]
) -> list[str]:
    """The lines of a table, its header first."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        name = column.removeprefix(">")
        table.add_column(name, justify="left" if name == column else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(printable(cell), _STYLES.get(cell, "")) for cell in row))
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


def when(at: datetime) -> str:
    """A time in UTC, as all commands tell it."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def exactly_when(at: datetime) -> str:
    """The same with milliseconds, for what is followed."""
    return f"{when(at)}.{at.microsecond // 1000:03}"


def _console() -> Console:
    return Console(width=_WIDTH, highlight=False)


def _fields(record: object, *, without: str = "") -> Json:
    names = [f.name for f in fields(record) if f.name not in ("answer", without)]  # type: ignore[arg-type]
    return {name: _plain(getattr(record, name)) for name in names}


def _plain(value: object) -> object:
    match value:
        case datetime():
            return time_text(value)
        case str() | int() | None:
            return value
        case Mapping():
            return dict(value)
        case Sequence():
            return [_plain(each) for each in value]
        case _:
            return _fields(value)
