"""The checker on a run that is in order, and on runs that somebody has tampered with."""

from pathlib import Path
from uuid import UUID

import pytest

from reliability.checker.invariants import Invariant
from tests.databases import open_map
from tests.integration.books import BUCKETS, move_out
from tests.integration.checker_books import (
    Line,
    RunInOrder,
    check_run,
    edited,
    found,
    told,
)
from tests.integration.checker_cases import ROWS, TOLD, Rows, Told
from tests.integration.checker_part_cases import PART_ROWS, PART_TOLD
from tests.integration.clones import Clones, drop_constraints, run
from tests.integration.world import World

ALL_ROWS = (*ROWS, *PART_ROWS)
ALL_TOLD = (*TOLD, *PART_TOLD)


async def test_a_run_in_order_passes(run_in_order: RunInOrder):
    result = await check_run(run_in_order.databases, run_in_order.folder)

    assert found(result) == {}
    assert result.exit_code == 0, result.not_checked
    assert {invariant for invariant in Invariant if not result.examined.get(invariant)} == set()


def test_every_invariant_is_shown_to_find_something():
    shown = {case.by for case in (*ALL_ROWS, *ALL_TOLD)}

    assert {invariant.value for invariant in Invariant} - shown == set()


# --- rows that were tampered with


@pytest.mark.parametrize(
    "case", ALL_ROWS, ids=lambda case: f"{case.by}: {' '.join(case.sql.split())}"
)
async def test_rows_that_were_tampered_with_are_found(
    run_in_order: RunInOrder, cloned_run: Clones, case: Rows
):
    clone = await cloned_run.of(case.shard)
    await drop_constraints(clone)
    for sql in case.sql.format(**run_in_order.names).split(";"):
        await run(clone.dsn, sql)

    result = await check_run(cloned_run.shards, run_in_order.folder)

    assert result.exit_code == 1
    assert run_in_order.names[case.id] in found(result).get(case.by, ())


# --- rows that agree with each other, and with nothing that was asked for


async def test_a_deposit_that_nobody_asked_for_is_found(
    run_in_order: RunInOrder, cloned_run: Clones
):
    """Minted by the engine itself: every row and every hash agrees, only the history does not."""
    await cloned_run.of(0)
    shards = open_map(cloned_run.shards, buckets=BUCKETS)
    minted = await World(shards).deposit(UUID(run_in_order.names["payer"]), 1_000)
    await shards.close()

    result = await check_run(cloned_run.shards, run_in_order.folder)

    assert found(result) == {
        "row_was_asked": {str(minted.movement.id)},
        "history_total": {"EUR"},
    }


async def test_money_that_left_without_a_request_is_found(
    run_in_order: RunInOrder, cloned_run: Clones
):
    await cloned_run.of(0)
    shards = open_map(cloned_run.shards, buckets=BUCKETS)
    await move_out(World(shards), UUID(run_in_order.names["payer"]), 10)
    await shards.close()

    result = await check_run(cloned_run.shards, run_in_order.folder)

    assert found(result).keys() == {"row_was_asked", "history_total"}


async def test_a_deposit_that_was_lost_in_whole_is_found(run_in_order: RunInOrder, tmp_path: Path):
    """As after a restore of an older state: nothing of the last commit is left on its shard."""
    payee = run_in_order.names["payee"]

    def deposit(lines: list[Line]) -> None:
        ask = {"kind": "deposit", "user": payee, "currency": "EUR", "amount": 9, "key": "lost"}
        lines += told(lines, ask, {"status": 201, "id": run_in_order.names["deposit"]})

    folder = edited(run_in_order.folder, tmp_path, deposit)
    result = await check_run(run_in_order.databases, folder)

    assert found(result).keys() == {"accepted_once", "history_total"}
    assert payee in found(result)["accepted_once"]


# --- answers that do not fit the rows


@pytest.mark.parametrize("case", ALL_TOLD, ids=lambda case: f"{case.by}: {case.edit.__name__}")
async def test_answers_that_do_not_fit_are_found(
    run_in_order: RunInOrder, tmp_path: Path, case: Told
):
    names = run_in_order.names
    folder = edited(run_in_order.folder, tmp_path, lambda lines: case.edit(lines, names))

    result = await check_run(run_in_order.databases, folder)

    assert found(result).keys() == {case.by} | case.also
    assert names[case.id] in found(result)[case.by]
