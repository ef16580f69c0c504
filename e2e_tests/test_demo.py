"""The demo, small, against a system of the test's own."""

import asyncio
import sys

from e2e_tests.client import Client
from e2e_tests.system import System
from tests.eventually import eventually


async def demo(system: System, gateway: str, *terms: str) -> tuple[int | None, str]:
    """Runs `python -m demo` as a person would; returns its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "demo", "--gateway", gateway, *terms),
        env=system._environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(120):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, output.decode()


async def test_the_demo_agrees_twice_on_the_same_data(system: System, running: Client):
    for _ in range(2):
        code, said = await demo(system, running.base, "--users", "10", "--transfers", "100")

        assert code == 0, said
        assert "100 transfers in" in said
        assert "insufficient_funds" in said
        assert "invariants hold" in said
        assert "Everything agrees." in said


async def test_the_demo_agrees_although_a_worker_is_killed(system: System, client: Client):
    doomed = await system.spawn_worker()
    await system.spawn_worker()

    async def is_half_way() -> bool:
        rows = await system.sql_everywhere("SELECT count(*) AS n FROM transfers")
        return sum(row["n"] for row in rows) > 100

    async with asyncio.TaskGroup() as tasks:
        under_way = tasks.create_task(demo(system, client.base, "--users=10", "--transfers=300"))
        await eventually(is_half_way, within_s=60)
        await doomed.kill()
    code, said = under_way.result()

    assert code == 0, said
    assert "Everything agrees." in said


async def test_the_demo_tells_a_cent_that_is_missing(system: System, running: Client):
    # Money that nobody paid in: the demo's users do not see it, the audit does.
    member = await running.member(EUR="1.00")
    take = "UPDATE accounts SET balance = balance {} 1 WHERE user_id = $1"
    await system.sql(member.id, take.format("-"), member.id)

    code, said = await demo(system, running.base, "--users", "2", "--transfers", "5")

    await system.sql(member.id, take.format("+"), member.id)
    assert code == 1, said
    assert "account_balance" in said
    assert "NOT everything agrees" in said


async def test_without_a_gateway_the_next_step_is_told(system: System):
    code, said = await demo(system, "http://127.0.0.1:1")

    assert code == 1
    assert "start `make run` in another terminal first" in said
    assert "Traceback" not in said
