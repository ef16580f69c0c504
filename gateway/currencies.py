"""Currencies as the gateway knows them: read from their shards, cached, never invented."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping

from sagas.outcomes import Failed
from shards.currencies import Currency, find_currencies, read_currencies
from shards.errors import ShardTransientError
from shards.router import ShardMap
from shards.shard import Shard

# Decimals never change; whether a currency is enabled may, and is noticed after so long.
_FRESH_S = 5.0


class Currencies:
    """A cache in front of the shards; one that is away does not take its currencies with it.

    Args:
        shards: where currencies live.
        clock: seconds of a clock that only goes forward.
    """

    def __init__(self, shards: ShardMap, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._shards = shards
        self._clock = clock
        self._known: dict[str, tuple[Currency, float]] = {}
        # How often each was changed here: what was read before does not go over it.
        self._learned: Counter[str] = Counter()

    def learn(self, currency: Currency) -> None:
        """Remembers what this gateway has just committed; others notice it after a while."""
        self._learned[currency.code] += 1
        self._known[currency.code] = (currency, self._clock())

    async def find(self, code: str) -> Currency | None:
        """The currency with this upper-case code; None when there is none such.

        Raises:
            ShardTransientError: its shard is away, and it was never seen.
        """
        fresh = self._fresh(code)
        if fresh is not None:
            return fresh
        found = (await self._ask(self._shards.of_currency(code), [code]))[code]
        if isinstance(found, Failed):
            raise found.error
        return found

    async def find_all(self, codes: Collection[str]) -> dict[str, Currency | Failed | None]:
        """As `find` of each, what it would raise being its `Failed`; a shard is asked once."""
        found: dict[str, Currency | Failed | None] = {}
        stale: defaultdict[Shard, list[str]] = defaultdict(list)
        for code in codes:
            fresh = self._fresh(code)
            if fresh is not None:
                found[code] = fresh
            else:
                stale[self._shards.of_currency(code)].append(code)
        if stale:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(self._ask(*each)) for each in stale.items()]
            for task in asked:
                found |= task.result()
        return found

    def _fresh(self, code: str) -> Currency | None:
        known = self._known.get(code)
        return known[0] if known is not None and self._clock() - known[1] < _FRESH_S else None

    async def _ask(self, shard: Shard, codes: list[str]) -> dict[str, Currency | Failed | None]:
        known = {code: self._known[code][0] for code in codes if code in self._known}
        before = self._learned.copy()
        # One request asks; while it waits, the others go on with what is known.
        self._keep(known, read_since=before)
        try:
            async with shard.connection() as conn:
                there = await find_currencies(conn, codes)
        except ShardTransientError as error:
            # Not asked again before so long: a shard that hangs must not hold up each request.
            self._keep(known, read_since=before)
            return {code: known.get(code) or Failed(error) for code in codes}
        self._keep(there, read_since=before)
        return {code: there.get(code) for code in codes}

    def _keep(self, currencies: Mapping[str, Currency], *, read_since: Counter[str]) -> None:
        now = self._clock()
        self._known |= {
            code: (currency, now)
            for code, currency in currencies.items()
            if self._learned[code] == read_since[code]
        }

    async def decimals(self, code: str) -> int:
        """The digits of a currency that rows are in.

        Raises:
            ShardTransientError: its shard is away, and it was never seen.
            LookupError: rows are in a currency that no shard has: a bug.
        """
        known = self._known.get(code)
        currency = known[0] if known is not None else await self.find(code)
        if currency is None:
            raise LookupError(f"no currency {code}")
        return currency.decimals

    async def all(self) -> list[Currency]:
        """Every currency, by code; those of a shard that is away as they were seen last.

        Raises:
            ShardTransientError: a shard is away, and nothing was ever seen of any.
        """
        away: ShardTransientError | None = None
        for shard in self._shards.shards:
            before = self._learned.copy()
            try:
                async with shard.connection() as conn:
                    there = {one.code: one for one in await read_currencies(conn)}
                self._keep(there, read_since=before)
            except ShardTransientError as error:
                away = error
        if away is not None and not self._known:
            raise away
        return sorted((currency for currency, _ in self._known.values()), key=lambda c: c.code)
