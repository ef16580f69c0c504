"""Currencies made and changed by operators: their rows, their acts, and two at once."""

import asyncio

import pytest

from sagas.currency_acts import CurrencyPut, DecimalsFixedError
from shards.currencies import Currency, find_currencies
from tests.databases import ShardDatabase
from tests.integration.books import audit_of, broken
from tests.integration.world import World


async def acts_of(world: World, code: str) -> list[tuple[str, str]]:
    """Verb and detail of the acts on the shard of a currency, in their order."""
    async with world.shards.of_currency(code).connection() as conn:
        rows = await conn.fetch("SELECT act, detail FROM operator_acts ORDER BY bucket, seq")
    return [(row["act"], row["detail"]) for row in rows]


async def stored(world: World, code: str) -> Currency:
    async with world.shards.of_currency(code).connection() as conn:
        return (await find_currencies(conn, [code]))[code]


async def test_a_new_currency_is_made_once(world: World, shard_databases: list[ShardDatabase]):
    done = [await world.put_currency("DOGE", name="Dogecoin", decimals=8) for _ in range(3)]

    doge = Currency("DOGE", "Dogecoin", 8, enabled=True)
    assert [(one.currency, one.created) for one in done] == [
        (doge, True),
        (doge, False),
        (doge, False),
    ]
    assert await stored(world, "DOGE") == doge
    assert await acts_of(world, "DOGE") == [
        ("currency.create", "DOGE: 8 decimals, enabled, named Dogecoin")
    ]
    assert broken(await audit_of(shard_databases)) == {}


async def test_name_and_enabled_change_and_the_act_says_which(
    world: World, shard_databases: list[ShardDatabase]
):
    await world.put_currency("DOGE", name="Doge: a coin, named so", enabled=False)
    await world.put_currency("DOGE", name="Dogecoin")
    await world.put_currency("DOGE", name="Dogecoin", enabled=True)
    await world.put_currency("DOGE", name="Doge", enabled=False)

    assert await stored(world, "DOGE") == Currency("DOGE", "Doge", 8, enabled=False)
    assert [detail for _, detail in await acts_of(world, "DOGE")] == [
        "DOGE: 8 decimals, disabled, named Doge: a coin, named so",
        "DOGE, name changed: 8 decimals, disabled, named Dogecoin",
        "DOGE, enabled changed: 8 decimals, enabled, named Dogecoin",
        "DOGE, name and enabled changed: 8 decimals, disabled, named Doge",
    ]
    assert broken(await audit_of(shard_databases)) == {}


async def test_one_that_every_system_has_is_changed_alike(
    world: World, shard_databases: list[ShardDatabase]
):
    done = await world.put_currency("EUR", name="Euro", decimals=2, enabled=False)

    assert (done.currency.enabled, done.created) == (False, False)
    assert await acts_of(world, "EUR") == [
        ("currency.change", "EUR, enabled changed: 2 decimals, disabled, named Euro")
    ]
    assert broken(await audit_of(shard_databases)) == {}


@pytest.mark.parametrize("decimals", [0, 3, 18])
async def test_decimals_never_change(world: World, decimals: int):
    with pytest.raises(DecimalsFixedError):
        await world.put_currency("EUR", name="Euro", decimals=decimals, enabled=False)

    assert await stored(world, "EUR") == Currency("EUR", "Euro", 2, enabled=True)
    assert await acts_of(world, "EUR") == []


async def test_the_same_new_currency_at_once_is_made_once(
    world: World, shard_databases: list[ShardDatabase]
):
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(world.put_currency("DOGE", name=f"Coin {number}"))
            for number in range(8)
        ]

    done: list[CurrencyPut] = [task.result() for task in tasks]
    assert sorted(one.created for one in done) == [False] * 7 + [True]
    assert len(await acts_of(world, "DOGE")) == 8
    assert broken(await audit_of(shard_databases)) == {}
