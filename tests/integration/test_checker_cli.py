"""The checker as a process: its phases, its exit codes, and what it says when it cannot tell."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from devstack.ports import free_port
from reliability.checker import Phase
from reliability.checker.totals import check_frozen
from tests.databases import ShardDatabase
from tests.integration.books import make_books
from tests.integration.checker_books import RunInOrder, check_run, found
from tests.integration.checker_run import make_run
from tests.integration.clones import Clones, run
from tests.integration.world import World


async def run_checker(
    databases: Sequence[ShardDatabase], folder: Path, *more: str
) -> tuple[int | None, str]:
    """Its exit code, and what it printed."""
    dsns = [f"--dsn={database.name}={database.dsn}" for database in databases]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "reliability.checker", "--folder", str(folder), *dsns, *more),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode, output.decode() + errors.decode()


async def test_a_run_in_order_is_clean(run_in_order: RunInOrder, tmp_path: Path):
    file = tmp_path / "result.json"
    endings = ("completed:1", "cancelled_by_payer:1", "expired:1", "refunded:1", "rejected:1")
    minimums = [f"--minimum=ending={ending}" for ending in endings]

    minimums += ["--minimum=fault=kill_worker:1", f"--json={file}"]
    code, output = await run_checker(run_in_order.databases, run_in_order.folder, *minimums)

    assert code == 0, output
    result = json.loads(file.read_text("utf-8"))
    assert (result["violations"], result["unmet"], result["not_checked"]) == ([], [], [])
    # A transfer and a capture.
    assert result["counted"]["ending=refunded.payee_closed"] == 2
    assert result["counted"]["capture=refunded"] == 1


async def test_what_happened_too_seldom_fails_and_says_so(run_in_order: RunInOrder):
    code, output = await run_checker(
        run_in_order.databases, run_in_order.folder, "--minimum=fault=full_disk:1"
    )

    assert code == 1
    assert "too few: fault=full_disk happened 0 times, 1 are the minimum" in output
    assert "0 violations" in output


async def test_a_violation_is_a_line_of_its_own(run_in_order: RunInOrder, cloned_run: Clones):
    names = run_in_order.names
    await run(
        (await cloned_run.of(0)).dsn, f"DELETE FROM movements WHERE id = '{names['deposit']}'"
    )

    code, output = await run_checker(cloned_run.shards, run_in_order.folder)

    assert code == 1
    assert (
        f"accepted_once on shard0: {names['payer']} key d1:"
        f" expected a row {names['deposit']}, for the answer 201; found no row\n" in output
    )


@pytest.mark.parametrize("phase", ["live", "frozen"])
async def test_an_open_run_is_in_order_but_not_at_its_end(
    world: World, shard_databases: list[ShardDatabase], tmp_path: Path, phase: str
):
    await make_books(world)

    code, output = await run_checker(shard_databases, tmp_path, f"--phase={phase}")

    assert code == 0, output


async def test_at_the_end_nothing_may_be_open(
    world: World, shard_databases: list[ShardDatabase], tmp_path: Path
):
    names = await make_run(world, tmp_path)
    books = await make_books(world)

    result = await check_run(shard_databases, tmp_path)

    assert {str(books.held), str(books.debited)} <= found(result)["all_ended"]
    assert str(books.payer) in found(result)["nothing_held"]
    assert "row_was_asked" not in found(result), "these users are no part of the history"
    assert names["payer"] not in found(result)["nothing_held"]


async def test_a_run_without_history_is_not_checked(run_in_order: RunInOrder, tmp_path: Path):
    code, output = await run_checker(run_in_order.databases, tmp_path)

    assert code == 2
    assert "name the run's folder" in output


async def test_a_shard_that_is_away_or_another_is_not_checked(
    shard_databases: list[ShardDatabase], tmp_path: Path
):
    one, other = shard_databases
    away = replace(other, dsn=f"postgresql://holdfast@127.0.0.1:{free_port()}/nothing")
    swapped = replace(other, dsn=one.dsn)

    for databases in ([one, away], [one, swapped]):
        result = await check_run(databases, tmp_path, phase=Phase.LIVE)

        assert result.exit_code == 2
        assert "shard1" in result.not_checked[0]


async def test_totals_of_what_moves_are_not_compared(
    world: World,
    shard_databases: list[ShardDatabase],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    payer, _ = await world.pair(funds=100)

    async def move_meanwhile(*arguments: object) -> None:
        await world.deposit(payer, 1)
        await check_frozen(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("reliability.checker.run.check_frozen", move_meanwhile)
    result = await check_run(shard_databases, tmp_path, phase=Phase.FROZEN)

    assert (result.exit_code, result.violations) == (2, ())
    assert "something moved" in result.not_checked[0]


async def test_events_that_were_deleted_leave_a_user_unchecked(
    run_in_order: RunInOrder, cloned_run: Clones
):
    payer, clone = run_in_order.names["payer"], await cloned_run.of(0)
    await run(clone.dsn, f"DELETE FROM outbox WHERE user_id = '{payer}' AND sequence < 3")

    result = await check_run(cloned_run.shards, run_in_order.folder)

    assert (result.exit_code, found(result)) == (2, {})
    assert payer in result.not_checked[0]
