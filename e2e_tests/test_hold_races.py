"""Holds under contention: captures, voids and expiry at once, and a payer who is frozen."""

import asyncio
from collections import Counter
from decimal import Decimal
from uuid import UUID

from e2e_tests.answers import at_once
from e2e_tests.client import Client, Member
from e2e_tests.operators import make_operator, set_status
from e2e_tests.shop import acts_on, amounts
from e2e_tests.system import System
from sagas.steps.capture import CAPTURES_MAX
from tests.eventually import eventually


async def test_many_captures_at_once_take_no_more_than_there_is(system: System, running: Client):
    other = await system.start_gateway()
    alice, shop = await running.member(EUR="100.00"), await running.member()
    hold = (await running.hold(alice, shop, "10.00")).body["id"]

    answers = await at_once(
        *(
            gateway.capture(by, hold, "0.90", final=False)
            for gateway in (running, other)
            for by in (alice, shop) * 10
        )
    )
    await system.drained()

    assert Counter((a.status, a.code) for a in answers) == {
        (202, None): 11,
        (422, "capture_too_large"): 29,
    }
    assert amounts((await running.get_hold(alice, hold)).body) == ("open", "9.90", "0.10")
    assert await running.balance(alice) == ("90.10", "0.10")
    assert await running.balance(shop) == ("9.90", "0.00")


async def test_of_final_captures_at_once_one_is_the_last(running: Client):
    alice, shop = await running.member(EUR="100.00"), await running.member()
    hold = (await running.hold(alice, shop, "10.00")).body["id"]

    answers = await at_once(*(running.capture(shop, hold, "1.00") for _ in range(16)))

    assert Counter((a.status, a.code) for a in answers) == {
        (202, None): 1,
        (409, "hold_closed"): 15,
    }
    assert await running.balance(alice) == ("99.00", "0.00")


async def test_the_same_key_at_once_from_two_gateways_is_one_capture(
    system: System, running: Client
):
    other = await system.start_gateway()
    alice, shop = await running.member(EUR="100.00"), await running.member()
    hold = (await running.hold(alice, shop, "10.00")).body["id"]

    answers = await at_once(
        *(gateway.capture(shop, hold, "4.00", key="once") for gateway in (running, other) * 8)
    )

    assert {answer.status for answer in answers} == {202}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 15
    assert amounts((await running.get_hold(alice, hold)).body) == ("captured", "4.00", "0.00")


async def test_a_key_with_two_amounts_at_once_is_one_capture(running: Client):
    alice, shop = await running.member(EUR="100.00"), await running.member()
    hold = (await running.hold(alice, shop, "10.00")).body["id"]

    answers = await at_once(
        *(
            running.capture(shop, hold, amount, key="once", final=False)
            for amount in ("1.00", "2.00") * 6
        )
    )

    taken = [answer for answer in answers if answer.status == 202]
    assert len({answer.body["id"] for answer in taken}) == 1
    assert len(taken) == 6
    assert {a.code for a in answers if a.status != 202} == {"idempotency_key_reused"}
    assert (await running.get_hold(alice, hold)).body["captured"] == taken[0].body["amount"]


async def test_a_capture_that_races_a_void_wins_or_loses_and_says_which(
    system: System, running: Client
):
    alice, shop = await running.member(EUR="100.00"), await running.member()

    async def book_and_race(turn: int) -> tuple[int, int, str]:
        hold = (await running.hold(alice, shop, "1.00")).body["id"]
        calls = [running.capture(shop, hold), running.void(shop, hold)]
        answers = await at_once(*(calls if turn % 2 else calls[::-1]))
        captured, voided = answers if turn % 2 else answers[::-1]
        status = (await running.get_hold(shop, hold)).body["status"]
        return captured.status, voided.status, status

    ends = Counter(await at_once(*(book_and_race(turn) for turn in range(60))))
    await system.drained()

    assert set(ends) <= {(202, 409, "captured"), (409, 200, "voided")}
    captured = ends[202, 409, "captured"]
    assert await running.balance(alice) == (f"{100 - captured}.00", "0.00")
    assert await running.balance(shop) == (f"{captured}.00" if captured else "0.00", "0.00")


async def test_captures_go_on_until_the_expiry_and_not_beyond_it(system: System, running: Client):
    """Whoever is first at each moment: what was captured is paid, all else is free again."""
    alice, shop = await running.member(EUR="1000.00"), await running.member()
    holds = [
        (await running.hold(alice, shop, "100.00", expires_in_s=2)).body["id"] for _ in range(8)
    ]

    async def capture_until_it_is_over(hold: str) -> int:
        taken = 0
        while (answer := await running.capture(shop, hold, "0.01", final=False)).status == 202:
            taken += 1
            # Fewer than a hold may have, until it expires.
            await asyncio.sleep(2 / CAPTURES_MAX)
        assert answer.code == "hold_closed"
        return taken

    async def all_are_over() -> bool:
        answers = [await running.get_hold(shop, hold) for hold in holds]
        return {answer.body["status"] for answer in answers} == {"expired"}

    taken = await at_once(*(capture_until_it_is_over(hold) for hold in holds))
    await eventually(all_are_over)
    await system.drained()

    assert min(taken) > 0
    for hold, times in zip(holds, taken, strict=True):
        read = (await running.get_hold(shop, hold)).body
        assert Decimal(read["captured"]) == Decimal(times) / 100
    paid = Decimal(sum(taken)) / 100
    assert await running.balance(alice) == (str(Decimal("1000.00") - paid), "0.00")
    assert await running.balance(shop) == (f"{paid:.2f}", "0.00")


async def test_a_void_that_races_the_expiry_frees_once(system: System, running: Client):
    alice, shop = await running.member(EUR="100.00"), await running.member()

    async def void_at_the_end(hold: str) -> tuple[int, str]:
        await eventually(lambda: _is_due(system, hold), every_s=0.005)
        answer = await running.void(shop, hold)
        return answer.status, (await running.get_hold(shop, hold)).body["status"]

    held = await at_once(*(running.hold(alice, shop, "1.00", expires_in_s=1) for _ in range(30)))
    ends = Counter(await at_once(*(void_at_the_end(answer.body["id"]) for answer in held)))

    assert set(ends) <= {(200, "voided"), (409, "expired")}
    assert await running.balance(alice) == ("100.00", "0.00")


async def test_many_voids_at_once_free_once_and_are_one_act(system: System, client: Client):
    alice, shop = await client.member(EUR="100.00"), await client.member()
    first, second = await make_operator(system, client), await make_operator(system, client)
    hold = (await client.hold(alice, shop, "10.00")).body["id"]

    answers = await at_once(*(client.void(by, hold) for by in (first, second) * 8))

    assert {(a.status, a.body["status"]) for a in answers} == {(200, "voided")}
    assert len(await acts_on(system, hold)) == 1
    assert await client.balance(alice) == ("100.00", "0.00")


async def test_a_payer_who_is_frozen_while_captures_run_pays_those_before(
    system: System, running: Client
):
    alice, shop = await running.member(EUR="100.00"), await running.member()
    hold = (await running.hold(alice, shop, "100.00")).body["id"]

    async def freeze_after_one() -> None:
        await eventually(lambda: _has_captured(running, shop, hold))
        await set_status(system, alice.id, "frozen")

    async def capture_until_refused() -> int:
        taken = 0
        while (answer := await running.capture(shop, hold, "0.01", final=False)).status == 202:
            taken += 1
        assert answer.code == "payer_frozen"
        return taken

    _, *taken = await at_once(freeze_after_one(), *(capture_until_refused() for _ in range(3)))
    await system.drained()

    paid = f"{Decimal(sum(n for n in taken if n)) / 100:.2f}"
    assert await running.balance(shop) == (paid, "0.00")
    left = f"{Decimal('100.00') - Decimal(paid):.2f}"
    assert amounts((await running.get_hold(shop, hold)).body) == ("open", paid, left)


async def _is_due(system: System, hold_id: str) -> bool:
    (row,) = await system.sql(
        hold_id,
        "SELECT expires_at < app_now() + interval '20 milliseconds' AS is_due"
        " FROM holds WHERE id = $1",
        UUID(hold_id),
    )
    return bool(row["is_due"])


async def _has_captured(client: Client, by: Member, hold_id: str) -> bool:
    hold = (await client.get_hold(by, hold_id)).body
    return bool(hold["captured"] != "0.00")
