"""The checker on a run that is in order, and on runs that somebody has tampered with."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from devstack.postgres import PostgresServer
from reliability.checker.invariants import Invariant
from tests.databases import ShardDatabase, create_shards, drop_shards, open_map
from tests.integration.books import BUCKETS, move_out
from tests.integration.checker_books import (
    Line,
    Names,
    check_run,
    edited,
    found,
    make_run,
    told,
)
from tests.integration.checker_cases import ROWS, TOLD, Rows, Told
from tests.integration.clones import Clones, drop_constraints, run
from tests.integration.world import World


@dataclass(frozen=True, slots=True)
class Pristine:
    """A run in order: its databases, its folder, and what is in it."""

    databases: list[ShardDatabase]
    folder: Path
    names: Names


@pytest.fixture(scope="module")
def pristine(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pristine]:
    folder = tmp_path_factory.mktemp("run")

    async def make() -> Pristine:
        databases = await create_shards([postgres.dsn("postgres")], count=2, buckets=BUCKETS)
        shards = open_map(databases, buckets=BUCKETS)
        names = await make_run(World(shards), folder)
        await shards.close()
        return Pristine(databases, folder, names)

    made = asyncio.run(make())
    yield made
    asyncio.run(drop_shards(made.databases))


@pytest.fixture
async def clones(pristine: Pristine) -> AsyncIterator[Clones]:
    made = Clones(pristine.databases)
    yield made
    await made.drop()


async def test_a_run_in_order_passes(pristine: Pristine):
    result = await check_run(pristine.databases, pristine.folder)

    assert found(result) == {}
    assert result.exit_code == 0, result.not_checked
    assert {invariant for invariant in Invariant if not result.examined.get(invariant)} == set()


# --- rows that were tampered with


@pytest.mark.parametrize("case", ROWS, ids=lambda case: f"{case.by}: {' '.join(case.sql.split())}")
async def test_rows_that_were_tampered_with_are_found(
    pristine: Pristine, clones: Clones, case: Rows
):
    clone = await clones.of(case.shard)
    await drop_constraints(clone)
    for sql in case.sql.format(**pristine.names).split(";"):
        await run(clone.dsn, sql)

    result = await check_run(clones.shards, pristine.folder)

    assert result.exit_code == 1
    assert pristine.names[case.id] in found(result).get(case.by, ())


# --- rows that agree with each other, and with nothing that was asked for


async def test_a_deposit_that_nobody_asked_for_is_found(pristine: Pristine, clones: Clones):
    """Minted by the engine itself: every row and every hash agrees, only the history does not."""
    await clones.of(0)
    shards = open_map(clones.shards, buckets=BUCKETS)
    minted = await World(shards).deposit(UUID(pristine.names["payer"]), 1_000)
    await shards.close()

    result = await check_run(clones.shards, pristine.folder)

    assert found(result) == {
        "row_was_asked": {str(minted.movement.id)},
        "history_total": {"EUR"},
    }


async def test_money_that_left_without_a_request_is_found(pristine: Pristine, clones: Clones):
    await clones.of(0)
    shards = open_map(clones.shards, buckets=BUCKETS)
    await move_out(World(shards), UUID(pristine.names["payer"]), 10)
    await shards.close()

    result = await check_run(clones.shards, pristine.folder)

    assert found(result).keys() == {"row_was_asked", "history_total"}


async def test_a_deposit_that_was_lost_in_whole_is_found(pristine: Pristine, clones: Clones):
    """As after a restore of an older state: nothing of the last commit is left on its shard."""
    payee = pristine.names["payee"]

    def deposit(lines: list[Line]) -> None:
        ask = {"kind": "deposit", "user": payee, "currency": "EUR", "amount": 9, "key": "lost"}
        lines += told(lines, ask, {"status": 201, "id": pristine.names["deposit"]})

    folder = edited(pristine.folder, pristine.folder.parent / "lost", deposit)
    result = await check_run(clones.shards, folder)

    assert found(result).keys() == {"accepted_once", "history_total"}
    assert payee in found(result)["accepted_once"]


# --- answers that do not fit the rows


@pytest.mark.parametrize("case", TOLD, ids=lambda case: f"{case.by}: {case.edit.__name__}")
async def test_answers_that_do_not_fit_are_found(pristine: Pristine, tmp_path: Path, case: Told):
    folder = edited(pristine.folder, tmp_path, lambda lines: case.edit(lines, pristine.names))

    result = await check_run(pristine.databases, folder)

    assert found(result).keys() == {case.by} | case.also
    assert pristine.names[case.id] in found(result)[case.by]
