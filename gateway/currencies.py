"""Currencies as the gateway knows them: read from their shards, cached, never invented."""

import time
from collections.abc import Callable

from shards.currencies import Currency, read_currencies, read_currency
from shards.errors import ShardTransientError
from shards.router import ShardMap

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

    async def find(self, code: str) -> Currency | None:
        """The currency with this upper-case code; None when there is none such.

        Raises:
            ShardTransientError: its shard is away, and it was never seen.
        """
        known = self._known.get(code)
        if known is not None and self._clock() - known[1] < _FRESH_S:
            return known[0]
        if known is not None:
            # One request asks; while it waits, the others go on with what is known.
            self._known[code] = (known[0], self._clock())
        try:
            async with self._shards.of_currency(code).connection() as conn:
                currency = await read_currency(conn, code=code)
        except ShardTransientError:
            if known is None:
                raise
            # Not asked again before so long: a shard that hangs must not hold up each request.
            currency = known[0]
        if currency is not None:
            self._known[code] = (currency, self._clock())
        return currency

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
            try:
                async with shard.connection() as conn:
                    for currency in await read_currencies(conn):
                        self._known[currency.code] = (currency, self._clock())
            except ShardTransientError as error:
                away = error
        if away is not None and not self._known:
            raise away
        return sorted((currency for currency, _ in self._known.values()), key=lambda c: c.code)
