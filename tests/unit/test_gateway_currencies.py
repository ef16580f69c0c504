from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from gateway.currencies import Currencies
from sagas.outcomes import Failed
from shards.currencies import Currency
from shards.errors import ShardAwayError
from shards.router import ShardMap

EUR = ("EUR", "Euro", 2, True)


class OneShard:
    """A map of one shard that has euros; counts how often it is asked."""

    def __init__(self) -> None:
        self.away = False
        self.asked = 0
        self.now = 0.0

    def of_currency(self, _code: str) -> "OneShard":
        return self

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        self.asked += 1
        if self.away:
            raise ShardAwayError("shard0", "away")
        yield self

    async def fetch(self, _query: str, codes: list[str]) -> list[tuple[object, ...]]:
        found: list[tuple[object, ...]] = [EUR] if "EUR" in codes else []
        self.meanwhile()
        return found

    def meanwhile(self) -> None:
        """What happens after the rows were read, and before they arrive."""


@pytest.fixture
def shard() -> OneShard:
    return OneShard()


@pytest.fixture
def currencies(shard: OneShard) -> Currencies:
    return Currencies(cast("ShardMap", shard), clock=lambda: shard.now)


async def test_a_currency_is_asked_for_again_when_it_is_no_longer_fresh(
    shard: OneShard, currencies: Currencies
) -> None:
    for at in (0.0, 4.9, 5.0, 9.9):
        shard.now = at
        assert await currencies.find("EUR")

    assert shard.asked == 2


async def test_a_shard_that_is_away_is_not_asked_for_a_known_currency_by_each_request(
    shard: OneShard, currencies: Currencies
) -> None:
    await currencies.find("EUR")
    shard.away, shard.now = True, 5.0

    found = [await currencies.find("EUR") for _ in range(10)]

    assert {currency.code for currency in found if currency is not None} == {"EUR"}
    assert shard.asked == 2


async def test_a_currency_never_seen_is_away_with_its_shard(
    shard: OneShard, currencies: Currencies
) -> None:
    shard.away = True

    with pytest.raises(ShardAwayError):
        await currencies.find("EUR")


async def test_many_are_asked_for_at_once_and_only_those_that_are_not_fresh(
    shard: OneShard, currencies: Currencies
) -> None:
    first = await currencies.find_all(["EUR", "XXX", "YYY"])
    fresh = await currencies.find_all(["EUR"])
    shard.now = 5.0
    again = await currencies.find_all(["EUR"])

    assert (first["XXX"], first["YYY"]) == (None, None)
    assert first["EUR"] == fresh["EUR"] == again["EUR"] == Currency("EUR", "Euro", 2)
    assert shard.asked == 2


async def test_of_many_those_never_seen_are_away_with_their_shard(
    shard: OneShard, currencies: Currencies
) -> None:
    await currencies.find("EUR")
    shard.away, shard.now = True, 5.0

    found = await currencies.find_all(["EUR", "XXX"])

    assert found["EUR"] == Currency("EUR", "Euro", 2)
    assert isinstance(found["XXX"], Failed)
    assert isinstance(found["XXX"].error, ShardAwayError)


DOGE = Currency("DOGE", "Dogecoin", 8)


async def test_one_that_was_made_here_is_known_at_once_and_asked_for_later(
    shard: OneShard, currencies: Currencies
) -> None:
    missing = await currencies.find("DOGE")
    currencies.learn(DOGE)

    found = await currencies.find("DOGE")
    asked = shard.asked
    shard.now = 5.0

    assert (missing, found, asked) == (None, DOGE, 1)
    assert await currencies.find("DOGE") is None, "the shard says otherwise by then"


async def test_what_was_read_before_a_change_does_not_go_over_it(
    shard: OneShard, currencies: Currencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    disabled = Currency("EUR", "Euro", 2, enabled=False)
    monkeypatch.setattr(shard, "meanwhile", lambda: currencies.learn(disabled))

    await currencies.find("EUR")
    monkeypatch.undo()

    assert await currencies.find("EUR") == disabled


async def test_a_shard_that_goes_away_meanwhile_does_not_undo_a_change(
    shard: OneShard, currencies: Currencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    disabled = Currency("EUR", "Euro", 2, enabled=False)
    await currencies.find("EUR")
    shard.now = 5.0

    def goes_away() -> None:
        currencies.learn(disabled)
        raise ShardAwayError("shard0", "away")

    monkeypatch.setattr(shard, "meanwhile", goes_away)
    await currencies.find("EUR")
    monkeypatch.undo()

    assert await currencies.find("EUR") == disabled
