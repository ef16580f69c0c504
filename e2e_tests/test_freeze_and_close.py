"""Freezing and closing: what each stops and lets through, and races with everything that moves."""

import asyncio
from collections import Counter
from uuid import UUID

import pytest

from config.sections import PostgresSettings
from e2e_tests.answers import RECORD, at, at_once, refused, unchanged
from e2e_tests.client import Answer, Client, Member
from e2e_tests.operators import ask, make_operator
from e2e_tests.shop import limit
from e2e_tests.system import System
from e2e_tests.test_transfer_reads import locked
from tests.eventually import eventually

ENDS = {"completed", "cancelled", "refunded", "rejected"}


async def told(system: System, member: Member) -> list[str]:
    """Types of the events on a member's own status, in their order."""
    rows = await system.sql(
        member.id,
        "SELECT type FROM outbox WHERE user_id = $1 AND type LIKE 'user.%' ORDER BY sequence",
        UUID(member.id),
    )
    return [row["type"] for row in rows]


async def status_of(client: Client, member: Member) -> str:
    status: str = (await client.call("GET", "/v1/me", by=member)).body["status"]
    return status


async def test_an_act_waits_for_a_user_whose_rows_are_busy(system: System, client: Client):
    """Longer than a statement waits for a lock: whoever is frozen may be so busy for a reason."""
    ada, alice = await make_operator(system, client), await client.member()
    async with asyncio.TaskGroup() as group, locked(system, alice):
        freezing = group.create_task(ask(client, ada, "freeze", alice))
        limiting = group.create_task(limit(client, ada, alice, "1.00"))
        await asyncio.sleep(2 * PostgresSettings().lock_s)
        assert not freezing.done()
        assert not limiting.done()

    assert [task.result().status for task in (freezing, limiting)] == [200, 200]


async def test_freeze_unfreeze_and_close_answer_with_the_user(system: System, client: Client):
    ada, alice = await make_operator(system, client), await client.member()
    user = (await client.call("GET", "/v1/me", by=alice)).body

    answers = [await ask(client, ada, verb, alice) for verb in ("freeze", "unfreeze", "close")]

    assert [(answer.status, answer.body) for answer in answers] == [
        (200, {**user, "status": status}) for status in ("frozen", "open", "closed")
    ]
    assert await told(system, alice) == [
        "user.created",
        "user.frozen",
        "user.unfrozen",
        "user.closed",
    ]


@pytest.mark.parametrize(
    ("verbs", "status"),
    [
        (["unfreeze"], "open"),
        (["freeze", "freeze"], "frozen"),
        (["freeze", "unfreeze", "unfreeze"], "open"),
        (["close", "close"], "closed"),
        (["freeze", "close", "close"], "closed"),
    ],
)
async def test_a_repeat_changes_nothing(
    system: System, client: Client, verbs: list[str], status: str
):
    ada, alice = await make_operator(system, client), await client.member()
    *before, last = verbs
    for verb in before:
        await ask(client, ada, verb, alice)

    async with unchanged(system):
        again = await ask(client, ada, last, alice, "another reason")

    assert (again.status, again.body["status"]) == (200, status)


async def test_closed_is_for_good(system: System, client: Client):
    ada, alice = await make_operator(system, client), await client.member()
    await ask(client, ada, "close", alice)

    async with unchanged(system):
        for verb in ("freeze", "unfreeze"):
            assert refused(await ask(client, ada, verb, alice)) == (409, "user_closed")


async def test_who_is_frozen_only_receives_until_unfrozen(system: System, running: Client):
    ada = await make_operator(system, running)
    alice, bob = await running.member(EUR="10.00"), await running.member(EUR="10.00")
    await ask(running, ada, "freeze", alice)

    async with unchanged(system, but=RECORD):
        refusals = [
            await running.transfer(alice, bob, "1.00"),
            await running.withdraw(alice, "1.00"),
        ]
    deposit = await running.deposit(alice, "1.00")
    received = await running.transfer(bob, alice, "2.00", wait=10)
    await ask(running, ada, "unfreeze", alice)
    paid = await running.transfer(alice, bob, "3.00", wait=10)

    assert {refused(answer) for answer in refusals} == {(422, "payer_frozen")}
    assert (deposit.status, received.body["status"]) == (201, "completed")
    assert paid.body["status"] == "completed"
    assert await running.balance(alice) == ("10.00", "0.00")


async def test_a_freeze_cancels_what_is_held_and_lets_go_on_what_is_debited(
    system: System, client: Client
):
    ada = await make_operator(system, client)
    alice, bob = await client.member(EUR="10.00"), await client.member()
    held = (await client.transfer(alice, bob, "1.00")).body["id"]
    await ask(client, ada, "freeze", alice)

    await system.start_worker()
    end = await client.get_transfer(alice, held, wait=15)

    assert (end.body["status"], end.body["reason"]) == ("cancelled", "payer_frozen")
    assert await client.balance(alice) == ("10.00", "0.00")


async def test_who_is_closed_neither_pays_nor_receives_and_still_reads(
    system: System, running: Client
):
    ada, alice = await make_operator(system, running), await running.member()
    bob = await running.member(EUR="10.00")
    assert (await ask(running, ada, "close", alice)).status == 200

    async with unchanged(system, but=RECORD):
        from_alice = await running.transfer(alice, bob, "1.00")
        withdrawal = await running.withdraw(alice, "1.00")
        deposit = await running.deposit(alice, "1.00")

    async def is_refused() -> bool:
        return (await running.transfer(bob, alice, "1.00")).code == "payee_closed"

    await eventually(is_refused)
    assert refused(from_alice) == refused(withdrawal) == (422, "payer_closed")
    assert refused(deposit) == (422, "wallet_closed")
    assert await status_of(running, await running.login(alice)) == "closed"
    await system.drained()
    assert await running.balance(bob) == ("10.00", "0.00")


async def test_a_wallet_with_money_in_it_or_on_its_way_out_is_not_closed(
    system: System, client: Client
):
    ada = await make_operator(system, client)
    alice, bob = await client.member(EUR="10.00", JPY="1"), await client.member()

    async def is_refused() -> bool:
        async with unchanged(system):
            return refused(await ask(client, ada, "close", alice)) == (409, "not_empty")

    assert await is_refused(), "two balances"
    await client.withdraw(alice, "1", "JPY")
    assert await is_refused(), "a balance"
    held = (await client.transfer(alice, bob, "10.00")).body["id"]
    assert await is_refused(), "all of it held"
    await system.start_worker()
    await client.get_transfer(alice, held, wait=15)
    assert (await ask(client, ada, "close", alice)).body["status"] == "closed"


async def test_a_wallet_is_not_closed_while_what_was_debited_could_come_back(
    system: System, running: Client
):
    """The payee's row is somebody else's for a while, so that the verdict waits."""
    ada = await make_operator(system, running)
    alice, bob = await running.member(EUR="10.00"), await running.member()
    async with locked(system, bob):
        id_ = (await running.transfer(alice, bob, "10.00")).body["id"]

        async def is_debited() -> bool:
            return (await running.get_transfer(alice, id_)).body["status"] == "debited"

        await eventually(is_debited)
        assert await running.balance(alice) == ("0.00", "0.00")
        closing = await ask(running, ada, "close", alice)
    end = await running.get_transfer(alice, id_, wait=15)

    assert refused(closing) == (409, "not_empty")
    assert end.body["status"] == "completed"
    assert (await ask(running, ada, "close", alice)).status == 200


# --- races, over two gateways and two workers


async def test_a_freeze_that_races_payments_lets_each_go_one_way_or_the_other(
    system: System, running: Client
):
    other = await system.start_gateway()
    await system.start_worker()
    ada = await make_operator(system, running)
    alice, bob = await running.member(EUR="200.00"), await running.member()
    assert (await running.transfer(alice, bob, "1.00", wait=20)).status == 201
    accepted = asyncio.Semaphore(0)

    async def pay(number: int) -> Answer:
        answer = await (running, other)[number % 2].transfer(alice, bob, "1.00")
        accepted.release()
        return answer

    async def freeze() -> Answer:
        for _ in range(20):
            await accepted.acquire()
        return await ask(running, ada, "freeze", alice)

    *answers, frozen = await at_once(*(pay(number) for number in range(100)), freeze())
    late = await other.transfer(alice, bob, "1.00")
    await system.drained()

    assert frozen.status == 200
    assert refused(late) == (422, "payer_frozen")
    assert {(a.status, a.code) for a in answers} <= {(202, None), (422, "payer_frozen")}
    rows = await system.sql(
        alice.id,
        "SELECT status, reason, debited_at FROM transfers WHERE payer_id = $1",
        UUID(alice.id),
    )
    ends = Counter((row["status"], row["reason"]) for row in rows)
    assert set(ends) <= {
        ("completed", None),
        ("cancelled", "payer_frozen"),
        ("rejected", "payer_frozen"),
    }
    (act,) = await system.sql(
        alice.id, "SELECT at FROM operator_acts WHERE target_id = $1", UUID(alice.id)
    )
    debited = [row["debited_at"] for row in rows if row["status"] == "completed"]
    assert max(debited) <= act["at"], "nothing is debited after it"
    assert await running.balance(bob) == (f"{len(debited)}.00", "0.00")
    assert await running.balance(alice) == (f"{200 - len(debited)}.00", "0.00")


async def test_freezing_and_unfreezing_all_the_time_loses_no_payment(
    system: System, running: Client
):
    await system.start_worker()
    ada = await make_operator(system, running)
    alice, bob = await running.member(EUR="200.00"), await running.member()

    async def pay_one_by_one() -> list[Answer]:
        return [await running.transfer(alice, bob, "1.00", wait=20) for _ in range(8)]

    async def swing() -> list[Answer]:
        return [await ask(running, ada, verb, alice) for verb in ("freeze", "unfreeze") * 10]

    async with asyncio.TaskGroup() as group:
        swinging = group.create_task(swing())
        paying = await at_once(*(pay_one_by_one() for _ in range(8)))

    answers = [answer for some in paying for answer in some]
    assert {answer.status for answer in swinging.result()} == {200}
    ends = Counter(a.body.get("status") if a.status == 201 else a.code for a in answers)
    assert set(ends) <= {"completed", "cancelled", "payer_frozen"}
    paid = ends["completed"]
    assert paid > 0
    assert await running.balance(bob) == (f"{paid}.00", "0.00")
    assert await running.balance(alice) == (f"{200 - paid}.00", "0.00")
    assert len(await told(system, alice)) == 21


async def test_a_close_that_races_an_incoming_transfer_loses_no_cent(
    system: System, running: Client
):
    """Either it is credited, and the wallet is not empty; or it is refused, and comes back."""
    other = await system.start_gateway()
    await system.start_worker()
    ada, alice = await make_operator(system, running), await running.member(EUR="100.00")

    async def close_when(number: int, bob: Member, paying: asyncio.Task[Answer]) -> Answer:
        """At once, when the transfer is held, when it is no longer so, or when it is over."""
        moment = number % 4
        if moment:
            held = await paying
            assert held.status == 202

            async def is_there() -> bool:
                shown = (await running.get_transfer(alice, held.body["id"])).body["status"]
                return moment == 1 or shown in ENDS or (moment == 2 and shown == "debited")

            await eventually(is_there, within_s=20, every_s=0.002)
        return await ask(other, ada, "close", bob)

    async def pay_and_close(number: int) -> tuple[str | None, str | None]:
        bob = await running.member()
        paying = asyncio.create_task(running.transfer(alice, bob, "1.00"))
        closing = await close_when(number, bob, paying)
        paid = await paying
        if paid.code is None:
            paid = await running.get_transfer(alice, paid.body["id"], wait=20)
        is_paid = paid.body["status"] == "completed"
        assert await running.balance(bob) == (("1.00" if is_paid else "0.00"), "0.00")
        assert await status_of(running, bob) == ("open" if closing.code else "closed")
        return closing.code, paid.code or paid.body["reason"]

    outcomes = Counter(await at_once(*(pay_and_close(number) for number in range(40))))

    assert set(outcomes) <= {("not_empty", None), (None, "payee_closed")}
    paid = outcomes["not_empty", None]
    assert paid >= 10
    assert await running.balance(alice) == (f"{100 - paid}.00", "0.00")


async def test_a_close_between_hold_and_verdict_returns_the_money(system: System, client: Client):
    ada, alice = await make_operator(system, client), await client.member(EUR="30.00")
    payees = [await client.member() for _ in range(20)]
    held = [(await client.transfer(alice, bob, "1.00")).body["id"] for bob in payees]

    closings = [await ask(client, ada, "close", payees[0])]
    await system.start_worker()
    closings += [await ask(client, ada, "close", bob) for bob in payees[1:]]
    ends = [(await client.get_transfer(alice, id_, wait=20)).body for id_ in held]

    for closing, end in zip(closings, ends, strict=True):
        is_closed = closing.code is None
        assert (end["status"], end["reason"]) == (
            ("refunded", "payee_closed") if is_closed else ("completed", None)
        )
        assert closing.code in (None, "not_empty")
    assert closings[0].code is None
    paid = sum(end["status"] == "completed" for end in ends)
    assert await client.balance(alice) == (f"{30 - paid}.00", "0.00")


async def test_a_close_that_races_a_deposit_leaves_no_money_in_a_closed_wallet(
    system: System, client: Client
):
    other = await system.start_gateway()
    ada = await make_operator(system, client)

    async def deposit_and_close(number: int) -> tuple[str | None, str | None]:
        alice = await client.member()
        calls = [client.deposit(alice, "1.00"), ask(other, ada, "close", alice)]
        order = calls if number % 2 else reversed(calls)
        answers = await at_once(*order)
        deposit, closing = answers if number % 2 else reversed(answers)
        return deposit.code, closing.code

    outcomes = Counter(await at_once(*(deposit_and_close(number) for number in range(40))))

    assert set(outcomes) <= {(None, "not_empty"), ("wallet_closed", None)}


async def test_a_close_that_races_the_owner_who_pays_or_takes_all_out(
    system: System, running: Client
):
    """A wallet that is empty only while its last money is on its way is not closed."""
    other = await system.start_gateway()
    ada, bob = await make_operator(system, running), await running.member()

    async def empty_and_close(number: int) -> tuple[int, str | None]:
        alice = await running.member(EUR="1.00")
        leave = (
            running.transfer(alice, bob, "1.00", wait=20)
            if number % 2
            else running.withdraw(alice, "1.00")
        )

        async def close_until_it_is() -> Answer:
            while (answer := await ask(other, ada, "close", alice)).code == "not_empty":
                pass
            return answer

        left, closed = await at_once(leave, close_until_it_is())
        assert await running.balance(alice) == ("0.00", "0.00")
        return left.status, closed.code

    outcomes = Counter(await at_once(*(empty_and_close(number) for number in range(20))))

    assert outcomes == {(201, None): 20}
    assert await running.balance(bob) == ("10.00", "0.00")


async def test_a_close_that_races_a_try_sees_what_it_holds(system: System, client: Client):
    other = await system.start_gateway()
    ada, bob = await make_operator(system, client), await client.member()

    async def try_and_close() -> tuple[str | None, str | None]:
        alice = await client.member(EUR="1.00")
        tried, _, closing = await at_once(
            client.transfer(alice, bob, "1.00"),
            client.withdraw(alice, "1.00"),
            ask(other, ada, "close", alice),
        )
        return tried.code, closing.code

    outcomes = Counter(await at_once(*(try_and_close() for _ in range(30))))

    # Closed: the withdrawal had taken all of it, and the try came too late for both.
    assert set(outcomes) <= {
        (None, "not_empty"),
        ("insufficient_funds", "not_empty"),
        ("insufficient_funds", None),
        ("payer_closed", None),
    }


async def test_acts_on_one_user_from_two_gateways_are_done_one_after_the_other(
    system: System, client: Client
):
    other = await system.start_gateway()
    ada, alice = await make_operator(system, client), await client.member()

    answers = await at_once(
        *(
            ask(gateway, ada, verb, alice)
            for gateway in (client, other)
            for verb in ("freeze", "unfreeze", "close") * 4
        )
    )

    assert {answer.code for answer in answers} <= {None, "user_closed"}
    assert await status_of(client, alice) == "closed"
    assert (await told(system, alice))[-1] == "user.closed"
    shown = (await client.call("GET", f"/v1/audit-trail?target={alice.id}&limit=100", by=ada)).body
    times = [at(act["at"]) for act in shown["data"]]
    assert times == sorted(times, reverse=True)
    assert len(times) == len(await told(system, alice)) - 1
