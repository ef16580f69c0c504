"""Many at once: one balance, one key, one transfer, and the sum of it all."""

import random
from collections import Counter

from e2e_tests.answers import at_once
from e2e_tests.client import Client, Member
from e2e_tests.system import System


async def test_two_transfers_racing_for_one_balance_get_it_once(running: Client):
    alice = await running.member(EUR="100.00")
    bob = await running.member()

    answers = await at_once(*(running.transfer(alice, bob, "60.00", wait=10) for _ in range(2)))

    assert sorted(answer.status for answer in answers) == [201, 422]
    assert {a.code for a in answers if a.status == 422} == {"insufficient_funds"}
    assert await running.balance(alice) == ("40.00", "0.00")
    assert await running.balance(bob) == ("60.00", "0.00")


async def test_a_balance_is_spent_exactly_as_often_as_it_lasts(running: Client):
    alice = await running.member(EUR="100.00")
    bob = await running.member()

    answers = await at_once(
        *(running.transfer(alice, bob, "9.00", wait=15) for _ in range(64)),
        *(running.withdraw(alice, "9.00") for _ in range(16)),
    )

    assert Counter(answer.status for answer in answers) == {201: 11, 422: 69}
    assert await running.balance(alice) == ("1.00", "0.00")


async def test_the_same_key_at_once_from_two_gateways_is_one_transfer(
    system: System, running: Client
):
    other = await system.start_gateway()
    alice = await running.member(EUR="100.00")
    bob = await running.member()

    answers = await at_once(
        *(
            gateway.transfer(alice, bob, "10.00", key="once", wait=10)
            for gateway in (running, other) * 8
        )
    )

    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    replays = [a for a in answers if a.headers.get("Idempotency-Replayed") == "true"]
    assert len(replays) == len(answers) - 1
    assert await running.balance(bob) == ("10.00", "0.00")


async def test_a_cancel_that_races_the_debit_wins_or_loses_and_says_which(running: Client):
    alice = await running.member(EUR="100.00")
    bob = await running.member()

    async def pay_and_cancel() -> tuple[int, str]:
        held = await running.transfer(alice, bob, "1.00")
        cancelled = await running.cancel(alice, held.body["id"])
        end = await running.get_transfer(alice, held.body["id"], wait=15)
        return cancelled.status, end.body["status"]

    ends = Counter(await at_once(*(pay_and_cancel() for _ in range(60))))

    assert set(ends) <= {(200, "cancelled"), (409, "completed")}
    paid = ends[409, "completed"]
    assert await running.balance(bob) == (f"{paid}.00" if paid else "0.00", "0.00")


async def test_a_thousand_transfers_at_once_conserve_every_cent(system: System, running: Client):
    rng = random.Random(7)
    await system.start_worker()
    members: list[Member] = await at_once(*(running.member(EUR="50.00") for _ in range(12)))

    async def pay() -> int:
        payer, payee = rng.sample(members, 2)
        return (
            await running.transfer(payer, payee, f"{rng.randint(1, 30)}.{rng.randint(10, 99)}")
        ).status

    statuses = Counter(await at_once(*(pay() for _ in range(1_000))))
    await system.drained()

    assert set(statuses) == {202, 422}
    assert sum(statuses.values()) == 1_000
    (row,) = [await _sum(system)]
    assert row == (12 * 5_000, 0)


async def _sum(system: System) -> tuple[int, int]:
    rows = await system.sql_everywhere(
        "SELECT sum(balance) AS balance, sum(held) AS held FROM accounts"
    )
    return int(sum(r["balance"] or 0 for r in rows)), int(sum(r["held"] or 0 for r in rows))
