"""Pages of entries and transfers, newest first."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from sagas.steps.confirm import Confirmed
from shards.accounts import read_balance, read_balances
from shards.lists import EntryFilter, ListedEntry, list_entries, list_received, list_sent
from tests.integration.world import World

NO_FILTER = EntryFilter(currency=None, kind=None, since=None, until=None, after=None)


async def entries(
    world: World, user: UUID, *, limit: int = 100, **wanted: Any
) -> list[ListedEntry]:
    chosen = EntryFilter(
        **{name: getattr(NO_FILTER, name) for name in NO_FILTER.__slots__} | wanted
    )
    async with world.shards.of_id(user).connection() as conn:
        return await list_entries(conn, user_id=user, wanted=chosen, limit=limit)


async def walk(page: Callable[[Any], Awaitable[list[Any]]], position: Callable[[Any], Any]) -> Any:
    """Every row, page by page."""
    rows: list[Any] = []
    while found := await page(position(rows[-1]) if rows else None):
        rows += found
    return rows


async def test_entries_are_listed_newest_first_with_their_chain(world: World):
    payer, payee = await world.pair(funds=100)
    await world.run_all(await world.try_transfer(payer, payee, 60))

    debit, deposit = await entries(world, payer)

    assert (debit.kind, debit.amount, debit.balance_after) == ("transfer_out", -60, 40)
    assert debit.counterparty_id == payee
    assert (deposit.kind, deposit.amount, deposit.transfer_id) == ("deposit", 100, None)
    assert debit.prev_hash == deposit.hash


async def test_entries_are_filtered(world: World):
    payer, payee = await world.pair(funds=100)
    await world.run_all(await world.try_transfer(payer, payee, 60))
    debit, deposit = await entries(world, payer)

    assert await entries(world, payer, kind="deposit") == [deposit]
    assert await entries(world, payer, currency="USD") == []
    assert await entries(world, payer, since=debit.at) == [debit]
    assert await entries(world, payer, until=debit.at) == [deposit]
    assert await entries(world, payer, since=debit.at + timedelta(microseconds=1)) == []


async def test_pages_of_entries_show_each_once_also_of_one_moment(world: World):
    user = await world.user(bucket=0)
    for amount in range(1, 8):
        await world.deposit(user, amount)
    async with world.shards.of_id(user).connection() as conn:
        await conn.execute("UPDATE entries SET at = date_trunc('day', at)")

    def position(entry: ListedEntry) -> tuple[datetime, str, int]:
        return entry.at, entry.currency, entry.seq

    rows = await walk(lambda after: entries(world, user, limit=3, after=after), position)

    assert [entry.amount for entry in rows] == [7, 6, 5, 4, 3, 2, 1]


async def test_pages_of_sent_transfers_show_each_once_rejected_ones_too(world: World):
    payer, payee = await world.pair(funds=100)
    made = await world.try_together([(payer, payee, 30)] * 5)
    shard = world.shards.of_id(payer)

    async def page(after: Any) -> list[Any]:
        async with shard.connection() as conn:
            return await list_sent(conn, payer_id=payer, status=None, after=after, limit=2)

    rows = await walk(page, lambda transfer: (transfer.created_at, transfer.id))

    expected = {outcome.transfer.id for outcome in made}  # type: ignore[union-attr]  # all tried
    assert len(rows) == 5
    assert {transfer.id for transfer in rows} == expected
    assert rows == sorted(rows, key=lambda t: (t.created_at, t.id), reverse=True)
    async with shard.connection() as conn:
        held = await list_sent(conn, payer_id=payer, status="held", after=None, limit=9)
        none = await list_sent(conn, payer_id=payee, status=None, after=None, limit=9)
    assert (len(held), none) == (3, [])


async def test_pages_of_received_transfers_show_each_verdict_once(world: World):
    payer, payee = await world.pair(funds=100)
    verdicts = []
    for amount in (1, 2, 3):
        confirmed = await world.confirm(await world.debited(payer, payee, amount))
        assert isinstance(confirmed, Confirmed)
        verdicts.append(confirmed.verdict)

    async def page(after: Any) -> list[Any]:
        async with world.shards.of_id(payee).connection() as conn:
            return await list_received(conn, payee_id=payee, verdict=None, after=after, limit=2)

    rows = await walk(page, lambda verdict: (verdict.created_at, verdict.transfer_id))

    assert rows == verdicts[::-1]
    async with world.shards.of_id(payee).connection() as conn:
        refused = await list_received(conn, payee_id=payee, verdict="refused", after=None, limit=9)
    assert refused == []


async def test_balances_are_read_by_currency_with_zeros_where_there_is_no_account(world: World):
    user = await world.user(bucket=0, funds=70)
    async with world.shards.of_id(user).connection() as conn:
        (euros,) = await read_balances(conn, user_id=user) or []
        dollars = await read_balance(conn, user_id=user, currency="USD")

        assert (euros.currency, euros.balance, euros.available, euros.version) == ("EUR", 70, 70, 1)
        assert dollars is not None
        assert (dollars.balance, dollars.held, dollars.version) == (0, 0, 0)


@pytest.mark.parametrize("funds", [0, 5])
async def test_a_user_without_accounts_is_told_from_no_user(world: World, funds: int):
    user, nobody = await world.user(bucket=0, funds=funds), world.ids.new_id(0)
    async with world.shards.of_id(user).connection() as conn:
        found = await read_balances(conn, user_id=user)

        assert [balance.balance for balance in found or []] == ([5] if funds else [])
        assert found is not None
        assert await read_balances(conn, user_id=nobody) is None
        assert await read_balance(conn, user_id=nobody, currency="EUR") is None


async def test_a_version_rises_with_every_change(world: World):
    payer, payee = await world.pair(funds=100)
    versions = []
    for _ in range(2):
        await world.try_transfer(payer, payee, 10)
        async with world.shards.of_id(payer).connection() as conn:
            balance = await read_balance(conn, user_id=payer, currency="EUR")
        assert balance is not None
        versions.append((balance.version, balance.available))

    assert versions == [(2, 90), (3, 80)]
