"""`holdfast dead`: messages that were set aside for a person, and what was decided on them."""

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated

import typer

from cli.dead_decide import discard_command, redrive_command
from cli.dead_json import letter_as_json
from cli.dead_show import show_command
from cli.each import on_each
from cli.errors import CommandError
from cli.options import AsJson, Limit
from cli.system import System, find_system
from cli.text import printable, times
from cli.trail import trail_command
from config.sections import ShardSettings
from shards.dead_letters import (
    LetterFilter,
    LetterStatus,
    ListedDeadLetter,
    list_dead_letters,
)
from shards.pool import ShardOptions
from shards.shard import Shard

_ONE = ShardOptions(pool_size=1)
_ANY = "any"


def dead_commands() -> typer.Typer:
    """The commands below `holdfast dead`."""
    app = typer.Typer(help="Messages that were set aside for a person.", no_args_is_help=True)
    app.command("list")(list_command)
    app.command("show")(show_command)
    app.command("redrive")(redrive_command)
    app.command("discard")(discard_command)
    app.command("trail")(trail_command)
    return app


def list_command(
    shard: Annotated[str, typer.Option(help="Only those that this shard keeps.")] = "",
    reason: Annotated[
        str, typer.Option(help="Only this reason, or this class: poison, impossible, bug.")
    ] = "",
    step: Annotated[str, typer.Option(help="Only those of this step, such as confirm.")] = "",
    status: Annotated[
        str, typer.Option(help="open, redriven, discarded, or any.")
    ] = LetterStatus.OPEN.value,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Lists dead letters of all shards, newest first.

    A dead letter decides nothing: its transfer goes on by redrive.
    """
    wanted = LetterFilter(status=_status(status), reason=reason or None, step=step or None)
    shards = _named(find_system(), shard)
    letters = asyncio.run(_list_all(shards, limit=limit, wanted=wanted))
    if as_json:
        print(json.dumps([letter_as_json(letter) for letter in letters], indent=2))
        return
    # Plain lines, which no terminal cuts: somebody will copy these ids.
    for letter in letters:
        kind = f"{letter.reason} ({letter.reason_class or 'class not known'})"
        about = f"  transfer {letter.transfer_id}" if letter.transfer_id else ""
        print(f"{letter.id}  {letter.created_at:%Y-%m-%d %H:%M:%S}  {letter.status}  {kind}")
        print(f"    {letter.topic}[{letter.partition}] @ {letter.position}{about}")
        print(f"    came {times(letter.attempts)}: {printable(letter.detail)}")
    if not letters:
        print("No such dead letters." if reason or step or shard else f"No {status} dead letters.")


def _status(text: str) -> LetterStatus | None:
    if text == _ANY:
        return None
    try:
        return LetterStatus(text)
    except ValueError:
        known = ", ".join([*LetterStatus, _ANY])
        raise CommandError(f"there is no status {text!r}; --status is one of {known}") from None


def _named(system: System, name: str) -> tuple[ShardSettings, ...]:
    """The shard of this name; all of them without one."""
    named = tuple(shard for shard in system.shards if name in ("", shard.name))
    if not named:
        known = ", ".join(shard.name for shard in system.shards)
        raise CommandError(f"there is no shard {name!r}; --shard is one of {known}")
    return named


async def _list_all(
    shards: Sequence[ShardSettings], *, limit: int, wanted: LetterFilter
) -> list[ListedDeadLetter]:
    async def list_one(shard: Shard) -> list[ListedDeadLetter]:
        async with shard.connection() as conn:
            return await list_dead_letters(conn, limit=limit, wanted=wanted)

    listed = await on_each(shards, list_one, options=_ONE)
    letters = [letter for of_shard in listed for letter in of_shard]
    letters.sort(key=lambda letter: (letter.created_at, letter.id), reverse=True)
    return letters[:limit]
