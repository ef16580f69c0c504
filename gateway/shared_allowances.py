"""Allowances that several gateways share, in a Redis, and what is done while it is away.

Money goes before counting: while Redis does not answer, each gateway counts for itself. Nobody is
refused for that, nobody waits for it again and again, and when Redis is back, it counts again.
"""

import asyncio
from typing import Final, cast

import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from throttled.asyncio import RedisStore
from throttled.asyncio.rate_limiter import TokenBucketRateLimiter
from throttled.exceptions import StoreUnavailableError
from throttled.rate_limiter import per_sec
from typing_extensions import override

from gateway.allowances import KEY_PREFIX, Allowances, LocalAllowances, Rate, Taken, taken_of
from gateway.round_trips import GatheringRedis

_log = structlog.stdlib.get_logger(__name__)

# A request waits no longer for Redis; the first ones to do so are the last, until it is back.
_ANSWER_S: Final = 0.25
_LOOK_AGAIN_S: Final = 1.0
_OPTIONS: Final = {
    # The library takes its client by name.
    "REDIS_CLIENT_CLASS": f"{GatheringRedis.__module__}.{GatheringRedis.__name__}",
    "REDIS_CLIENT_KWARGS": {"answer_s": _ANSWER_S},
    "CONNECTION_POOL_KWARGS": {
        "socket_timeout": _ANSWER_S,
        "socket_connect_timeout": _ANSWER_S,
        # Another try is another request's: this one is answered without.
        "retry": Retry(NoBackoff(), 0),
    },
}
_LOST = (StoreUnavailableError, RedisError, TimeoutError, OSError)


class _Store(RedisStore):
    """The library's, with its client."""

    @property
    def client(self) -> GatheringRedis:
        return cast("GatheringRedis", self._backend.get_client())


class SharedStore:
    """One Redis, and whether it answers. `start` opens it, `close` ends it.

    Args:
        url: `redis://`, `rediss://` or `unix://`; it may hold a password, and is told to nobody.

    Raises:
        ValueError: the URL is none of these.
    """

    def __init__(self, url: str) -> None:
        self.store = _Store(url, options=_OPTIONS)
        try:
            self._client = self.store.client
        except ValueError:
            # What cannot be read may be a part of the password.
            raise ValueError("the address of Redis cannot be read") from None
        self._probe = TokenBucketRateLimiter(
            per_sec(1), self.store, key_prefix=f"{KEY_PREFIX}:probe"
        )
        self._looking: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def is_away(self) -> bool:
        """Whether it did not answer when it was asked last."""
        return self._looking is not None and not self._looking.done()

    async def start(self) -> None:
        """Finds out whether it answers, so that no request has to; it may be away."""
        try:
            await self._look()
        except _LOST as error:
            self.lost(error)

    async def close(self) -> None:
        """Ends the connections; what is asked for after that is counted here."""
        self._is_closed = True
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})
        await self._client.trips.close()
        await self._client.connection_pool.disconnect()

    def lost(self, error: Exception) -> None:
        """It did not answer: nobody asks it until it does again. Told once for each outage."""
        if not self.is_away and not self._is_closed:
            _log.warning("rate_limits.redis_lost", error=repr(error.__cause__ or error))
            self._looking = asyncio.create_task(self._look_until_back())

    async def _look_until_back(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_AGAIN_S)
            try:
                await self._look()
            except _LOST:
                continue
            break
        _log.info("rate_limits.redis_back")

    async def _look(self) -> None:
        """Does what a request does, and takes nothing: one that cannot be written to is away."""
        async with asyncio.timeout(_ANSWER_S):
            await self._client.load_scripts()
            await self._probe.limit("probe", cost=0)


class SharedAllowances(Allowances):
    """Those that all gateways with the same Redis count together, each request as one step there.

    Args:
        rate: of each; the same in all gateways.
        shared: where they are.
        local: what counts while that is away.
    """

    def __init__(self, rate: Rate, *, shared: SharedStore, local: LocalAllowances) -> None:
        self._rate = rate
        self._cost = rate.cost
        self._shared = shared
        self._local = local
        self._limiter = TokenBucketRateLimiter(
            rate.quota, shared.store, key_prefix=f"{KEY_PREFIX}:{rate.name}"
        )

    @override
    async def take(self, key: str) -> Taken:
        if self._shared.is_away:
            return await self._local.take(key)
        try:
            result = await self._limiter.limit(key, self._cost)
        except _LOST as error:
            self._shared.lost(error)
            return await self._local.take(key)
        return taken_of(self._rate, result)
