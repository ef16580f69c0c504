"""`holdfast dead`: messages that were set aside for a person."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.each import on_each
from cli.options import AsJson
from cli.system import System, find_system
from shards.dead_letters import StoredDeadLetter, list_dead_letters
from shards.pool import ShardOptions
from shards.shard import Shard


def dead_commands() -> typer.Typer:
    """The commands below `holdfast dead`."""
    app = typer.Typer(help="Messages that were set aside for a person.", no_args_is_help=True)
    app.command("list")(list_command)
    # With a second command, `list` is no longer the whole of this group.
    app.callback()(_group)
    return app


def list_command(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Dead letters at the most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Lists the open dead letters of all shards, newest first.

    A dead letter decides nothing: its transfer goes on by redrive.
    """
    letters = asyncio.run(_list_all(find_system(), limit=limit))
    if as_json:
        print(json.dumps([_as_json(letter) for letter in letters], indent=2))
    elif letters:
        Console().print(_table(letters))
    else:
        print("No open dead letters.")


def _group() -> None:
    """Messages that were set aside for a person."""


async def _list_all(system: System, *, limit: int) -> list[StoredDeadLetter]:
    listed = await on_each(
        system.shards, lambda shard: _list(shard, limit=limit), options=ShardOptions(pool_size=1)
    )
    letters = [letter for of_shard in listed for letter in of_shard]
    letters.sort(key=lambda letter: (letter.created_at, letter.id), reverse=True)
    return letters[:limit]


async def _list(shard: Shard, *, limit: int) -> list[StoredDeadLetter]:
    async with shard.connection() as conn:
        return await list_dead_letters(conn, limit=limit)


def _table(letters: Sequence[StoredDeadLetter]) -> Table:
    table = Table("since", "reason", "message", "transfer", "detail", title_justify="left")
    for letter in letters:
        table.add_row(
            f"{letter.created_at:%Y-%m-%d %H:%M:%S}",
            letter.reason,
            f"{letter.topic}[{letter.partition}] @ {letter.position}",
            str(letter.transfer_id or ""),
            letter.detail,
        )
    return table


def _as_json(letter: StoredDeadLetter) -> dict[str, object]:
    return {
        "id": str(letter.id),
        "topic": letter.topic,
        "partition": letter.partition,
        "position": letter.position,
        "value_base64": None if letter.value is None else b64encode(letter.value).decode(),
        "reason": letter.reason,
        "detail": letter.detail,
        "transfer_id": None if letter.transfer_id is None else str(letter.transfer_id),
        "status": letter.status,
        "created_at": letter.created_at.isoformat(),
    }
