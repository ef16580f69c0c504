"""`holdfast rebuild`: accounts put right from entries and open transfers."""

import asyncio
from collections.abc import Iterator
from dataclasses import fields
from typing import Annotated

import typer

from cli.each import on_each
from cli.system import System, find_system
from shards.pool import ShardOptions
from shards.rebuild import AccountState, Difference, rebuild_shard
from shards.shard import Shard

_BATCH_USERS = 200
# A user with very many entries takes a while to add up.
_OPTIONS = ShardOptions(pool_size=2, transaction_s=60.0, lock_s=10.0)


def rebuild_command(
    check: Annotated[
        bool, typer.Option("--check", help="Only tell what differs; change nothing.")
    ] = False,
) -> None:
    """Puts every account right: balance and hash chain from entries, held from open transfers.

    Safe while the system runs, and safe to repeat. Exits with 1 when `--check` finds a difference,
    or when the entries themselves are broken, so that no legal account follows from them.
    """
    differences = asyncio.run(_rebuild_all(find_system(), write=not check))
    broken = [found for found in differences if not found.writable]
    done = "differ" if check else "were put right"
    print(f"{len(differences) - (0 if check else len(broken))} accounts {done}")
    if broken and not check:
        print(
            f"{len(broken)} accounts were left as they are; `holdfast audit` shows what is broken"
        )
    if broken or (check and differences):
        raise typer.Exit(1)


async def _rebuild_all(system: System, *, write: bool) -> list[Difference]:
    found = await on_each(
        system.shards, lambda shard: _rebuild(shard, write=write), options=_OPTIONS
    )
    return [difference for differences in found for difference in differences]


async def _rebuild(shard: Shard, *, write: bool) -> list[Difference]:
    found: list[Difference] = []
    async for differences in rebuild_shard(shard, write=write, batch=_BATCH_USERS):
        for difference in differences:
            print(f"{shard.name}: {_line(difference)}", flush=True)
        found += differences
    return found


def _line(difference: Difference) -> str:
    what = ", ".join(_changes(difference.stored, difference.rebuilt))
    broken = "" if difference.writable else " (impossible: left as it is)"
    return f"{difference.user_id} {difference.currency}: {what}{broken}"


def _changes(stored: AccountState | None, rebuilt: AccountState) -> Iterator[str]:
    for field in fields(AccountState):
        before = None if stored is None else getattr(stored, field.name)
        after = getattr(rebuilt, field.name)
        if before != after:
            yield f"{field.name} {_shown(before)} -> {_shown(after)}"


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    return value.hex()[:16] if isinstance(value, bytes) else str(value)
