"""`holdfast dead redrive` and `holdfast dead discard`: decisions, each with who and why."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer

from cli.dead_json import Json, act_as_json
from cli.each import PATIENT, open_map
from cli.options import AsJson, By, Why
from cli.system import System, find_system
from config.settings import Settings
from config.wiring import key_ring
from sagas.dead_letters import ENDS_AS, Decision, Refused
from sagas.deciding import Decided, Order, decide
from sagas.messages import KeyRing
from shards.errors import ShardTransientError

Result = Decided | Refused | ShardTransientError


_Ids = Annotated[list[UUID], typer.Argument(metavar="ID...", help="Ids of dead letters.")]


def redrive_command(ids: _Ids, done_by: By, reason: Why, as_json: AsJson = False) -> None:
    """Does again what the rows of the letters' transfers imply, at once, and closes the letters.

    Exits with 1 when one is refused, and with 2 when a shard does not answer.
    """
    _decide(ids, Order(decision=Decision.REDRIVE, done_by=done_by, reason=reason), as_json=as_json)


def discard_command(ids: _Ids, done_by: By, reason: Why, as_json: AsJson = False) -> None:
    """Closes letters on which nothing is left to do.

    Exits with 1 when one is refused, and with 2 when a shard does not answer.
    """
    _decide(ids, Order(decision=Decision.DISCARD, done_by=done_by, reason=reason), as_json=as_json)


def keys_of(settings: Settings) -> KeyRing | None:
    """The keys of messages, where this command was given any: without, it verifies nothing."""
    return key_ring(settings) if settings.messages.keys else None


def _decide(ids: Sequence[UUID], order: Order, *, as_json: bool) -> None:
    results = asyncio.run(_decide_all(find_system(), ids, order, tell=not as_json))
    if as_json:
        told = [_as_json(id_, result) for id_, result in results]
        print(json.dumps(told, indent=2))
    for _, result in results:
        if isinstance(result, ShardTransientError):
            raise result
    if any(isinstance(result, Refused) for _, result in results):
        raise typer.Exit(1)


async def _decide_all(
    system: System, ids: Sequence[UUID], order: Order, *, tell: bool
) -> list[tuple[UUID, Result]]:
    """One after the other; what is refused or cannot be asked leaves the others alone."""
    keys = keys_of(system.settings)
    results: list[tuple[UUID, Result]] = []
    async with open_map(system, options=PATIENT) as shards:
        for id_ in ids:
            try:
                result: Result = await decide(shards, id_, order, keys=keys)
            except ShardTransientError as error:
                result = error
            results.append((id_, result))
            if tell:
                print(f"{id_}: {_line(order, result)}", flush=True)
    return results


def _line(order: Order, result: Result) -> str:
    match result:
        case Refused():
            return f"refused ({result.obstacle}): {result.detail}"
        case Decided(act=act, repeated=True):
            when = f"{act.at:%Y-%m-%d %H:%M:%S}"
            return f"{ENDS_AS[order.decision]} before, by {act.done_by} at {when}: {act.detail}"
        case Decided(act=act):
            return f"{ENDS_AS[order.decision]}: {act.detail}"
        case _:
            return f"not done: {result}"


def _as_json(id_: UUID, result: Result) -> Json:
    match result:
        case Refused():
            return {"id": str(id_), "outcome": "refused", **asdict(result)}
        case Decided():
            act = act_as_json(result.act)
            return {"id": str(id_), "outcome": "decided", "repeated": result.repeated, "act": act}
        case _:
            return {"id": str(id_), "outcome": "not_done", "detail": str(result)}
