"""`holdfast trail`: what operators did, on all shards."""

import asyncio
import json
from typing import Annotated
from uuid import UUID

import typer

from cli.dead_json import listed_act_as_json
from cli.each import on_each
from cli.errors import CommandError
from cli.options import AsJson, Limit
from cli.system import System, find_system
from cli.text import printable
from shards.operator_acts import ListedAct, list_acts, newest_acts
from shards.pool import ShardOptions
from shards.shard import Shard

_ONE = ShardOptions(pool_size=1)


def trail_command(
    target: Annotated[str, typer.Option(help="Only what was done to the row with this id.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Lists what operators did: who, when, to which row, and why; newest first."""
    target_id = _uuid(target) if target else None
    listed = asyncio.run(_trail(find_system(), limit=limit, target_id=target_id))
    if as_json:
        print(json.dumps([listed_act_as_json(one) for one in listed], indent=2))
        return
    # Plain lines, which no terminal cuts: a trail is read word by word.
    for act in (one.act for one in listed):
        done_by = printable(act.done_by)
        print(f"{act.at:%Y-%m-%d %H:%M:%S}  {act.act}  {act.target_id}  by {done_by}")
        print(f"    reason: {printable(act.reason)}")
        print(f"    {printable(act.detail)}")
    if not listed:
        print("No acts.")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CommandError(f"{text!r} is no id") from None


async def _trail(system: System, *, limit: int, target_id: UUID | None) -> list[ListedAct]:
    async def list_one(shard: Shard) -> list[ListedAct]:
        async with shard.connection() as conn:
            return await list_acts(conn, limit=limit, target_id=target_id, after=None)

    listed = await on_each(system.shards, list_one, options=_ONE)
    return newest_acts(listed, limit=limit)
