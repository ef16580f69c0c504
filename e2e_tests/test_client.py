"""The client of `client/` against a whole system: what a program that uses it goes through."""

import asyncio
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from client import (
    ConflictError,
    DeclinedError,
    Direction,
    Holdfast,
    HoldStatus,
    NoAnswerError,
    Retries,
    SignInError,
    TransferOrder,
    TransferStatus,
)
from e2e_tests.client import PASSWORD, Client
from e2e_tests.operators import make_operator
from e2e_tests.system import System

FUNDS = "100.00"


async def test_a_whole_journey_through_the_client(running: Client):
    async with Holdfast(running.base) as holdfast:
        assert await holdfast.is_alive()
        assert (await holdfast.ready()).status == "ready"
        codes = {currency.code for currency in await holdfast.currencies()}
        assert (await holdfast.currency("eur")).decimals == 2
        assert "EUR" in codes
        user = await holdfast.register("alice@example.com", PASSWORD, name="Alice")
        bob = await holdfast.register("bob@example.com", PASSWORD)
        with pytest.raises(ConflictError, match="email_taken"):
            await holdfast.register("alice@example.com", PASSWORD)
        with pytest.raises(SignInError, match="invalid_credentials"):
            await holdfast.login("alice@example.com", "not the password")
        alice = await holdfast.login("alice@example.com", PASSWORD)
        shop = await holdfast.resume(
            (await holdfast.token("bob@example.com", PASSWORD)).access_token
        )
        assert await alice.me() == user
        assert shop.user_id == bob.id

        began = datetime.now(UTC) - timedelta(minutes=1)
        first = await alice.wallet.deposit(currency="EUR", amount=FUNDS, key="d1")
        again = await alice.wallet.deposit(currency="EUR", amount=FUNDS, key="d1")
        assert (first, first.answer.replayed, again.answer.replayed) == (again, False, True)
        assert (
            await alice.wallet.withdraw(currency="EUR", amount="10.00")
        ).balance_after == "90.00"
        assert (await alice.wallet.balance_at("EUR", began)).balance == "0.00"

        paid = await alice.transfers.create(to=bob.email, currency="EUR", amount="30.00", wait_s=20)
        assert (paid.status, paid.answer.status) == (TransferStatus.COMPLETED, 201)
        with pytest.raises(ConflictError, match="already_debited"):
            await alice.transfers.cancel(paid.id)
        refund = await shop.transfers.refund(paid.id, amount="5.00", wait_s=20)
        assert (refund.refund_of, refund.is_over) == (paid.id, True)
        assert (await alice.transfers.get(paid.id)).amount_refunded == "5.00"
        with pytest.raises(DeclinedError, match="insufficient_funds") as refused:
            await alice.transfers.create(to=bob.id, currency="EUR", amount="1000.00")
        assert not refused.value.answer.replayed

        hold = await alice.holds.create(to=bob.id, currency="EUR", amount="20.00")
        captured = await shop.holds.capture(hold.id, amount="8.00", final=False, wait_s=20)
        assert (captured.hold_id, captured.status) == (hold.id, TransferStatus.COMPLETED)
        assert (await shop.holds.void(hold.id)).status is HoldStatus.VOIDED
        ended = await alice.holds.get(hold.id)
        assert ended.captured == "8.00"
        assert [listed async for listed in alice.holds.list(status=HoldStatus.VOIDED)] == [ended]

        orders = [TransferOrder(to=bob.id, currency="EUR", amount=a) for a in ("1.00", "999.00")]
        good, declined = (await alice.transfers.create_batch(orders)).results
        assert good.transfer is not None
        assert declined.problem is not None
        assert declined.problem.code == "insufficient_funds"
        assert (await alice.transfers.wait(good.transfer.id, within_s=20)).is_over
        replayed = await alice.transfers.create_batch(orders)
        assert replayed.answer.replayed

        account = await alice.wallet.balance("EUR")
        assert (account.balance, account.held) == ("56.00", "0.00")
        assert (await alice.wallet.get()).accounts == {"EUR": account}


async def test_what_happened_is_followed_paged_and_verified(running: Client):
    async with Holdfast(running.base) as holdfast:
        member, payee = await running.member(EUR=FUNDS, BTC="1.00000000"), await running.member()
        alice = holdfast.session(member.id, member.token)

        transfer = await alice.transfers.create(to=payee.id, currency="EUR", amount="1.00")
        told = [shown async for shown in alice.transfers.follow(transfer.id)]
        assert [shown.status.value for shown in told] == ["held", "debited", "completed"]
        assert told[-1] == await alice.transfers.get(transfer.id)

        for _ in range(4):
            await alice.transfers.create(to=payee.id, currency="EUR", amount="1.00", wait_s=20)
        sent = [t async for t in alice.transfers.list(direction=Direction.OUT, limit=2)]
        assert len(sent) == 5
        assert sent[-1].whole == told[-1]
        received = [t async for t in holdfast.session(payee.id, payee.token).transfers.list()]
        assert {t.id for t in received} == {t.id for t in sent}

        entries = [entry async for entry in alice.entries.verified(limit=3)]
        assert len(entries) == 7
        assert await alice.entries.get(entries[0].hash) == entries[0]
        euros = [entry async for entry in alice.entries.list(currency="EUR", limit=3)]
        assert [entry.seq for entry in euros] == [6, 5, 4, 3, 2, 1]


async def test_what_operators_do(system: System, client: Client):
    operator = await make_operator(system, client)
    member, payee = await client.member(EUR=FUNDS), await client.member()
    async with Holdfast(client.base) as holdfast:
        session = holdfast.session(operator.id, operator.token)
        alice = holdfast.session(member.id, member.token)

        (found,) = await session.operator.find_users(member.email)
        assert found == await alice.me()
        assert await session.operator.find_users("nobody@example.com") == ()
        assert (await session.operator.freeze(member.id, reason="asked")).status == "frozen"
        with pytest.raises(DeclinedError, match="payer_frozen"):
            await alice.transfers.create(to=payee.id, currency="EUR", amount="1.00")
        assert (await session.operator.unfreeze(member.id, reason="asked")).status == "open"
        limited = await session.of(member.id).wallet.set_limit("EUR", daily="5.00", reason="asked")
        assert await alice.wallet.limit("EUR") == limited
        with pytest.raises(DeclinedError, match="limit_exceeded"):
            await alice.transfers.create(to=payee.id, currency="EUR", amount="6.00")
        made = await session.operator.put_currency("PTS", name="Points", decimals=0)
        again = await session.operator.put_currency("PTS", name="Points", decimals=0)
        assert (made.answer.status, again.answer.status) == (201, 200)
        with pytest.raises(ConflictError, match="not_empty"):
            await session.operator.close(member.id, reason="asked")
        assert (await session.operator.close(payee.id, reason="asked")).status == "closed"

        acts = [act.act async for act in session.operator.trail(target=member.id, limit=2)]
        assert acts == ["account.set_limit", "user.unfreeze", "user.freeze"]


async def test_a_gateway_that_dies_between_request_and_answer(system: System):
    client = await system.start_gateway()
    await system.until_it_has_everything(client)
    member, payee = await client.member(EUR=FUNDS), await client.member()
    dying, doomed = await system.spawn_dying_gateway("try-after-commit")
    order = TransferOrder(to=payee.id, currency="EUR", amount="10.00")

    async with Holdfast(doomed.base, retries=Retries(attempts=3)) as holdfast:
        alice = holdfast.session(member.id, member.token)
        with pytest.raises(NoAnswerError) as unknown:
            await alice.transfers.order(order)
    await dying.ended()

    assert (unknown.value.key, unknown.value.may_have_happened) == (order.key, True)
    async with Holdfast(client.base) as holdfast:
        alice = holdfast.session(member.id, member.token)
        found = await alice.transfers.order(order)
        assert found.answer.replayed
        assert (await alice.wallet.balance("EUR")).held == "10.00"
        await system.start_worker()
        assert (await alice.transfers.wait(found.id, within_s=20)).status == "completed"


async def test_the_example_of_the_documentation_does_what_it_says(running: Client):
    page = (Path(__file__).parents[1] / "docs/client.md").read_text("utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert example.count('"http://127.0.0.1:8080"') == 1

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", example.replace("http://127.0.0.1:8080", running.base)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()

    printed = output.decode().splitlines()
    assert process.returncode == 0, printed
    assert printed == [
        "held",
        "debited",
        "completed",
        "insufficient_funds",
        "spent 1250 cents, and every hash is right",
    ]
