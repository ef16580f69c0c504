"""What somebody may still ask for: a token bucket for each of them, in the memory of this process.

They are throttled-py's; a bucket of this system is a hash slot of users, so here the word is
allowance. The library's clock has whole seconds: an allowance gets a second's tokens at once, and
must hold as many at the least.
"""

from typing import Final, Protocol

from throttled.rate_limiter import RateLimitResult, TokenBucketRateLimiter, per_sec
from throttled.rate_limiter.base import Quota
from throttled.store import MemoryStore
from typing_extensions import override

from shards.records import record

# Keys in a store that gateways share begin with this.
KEY_PREFIX: Final = "holdfast"


@record
class Rate:
    """How fast allowances of one kind fill, and how much they hold.

    Attributes:
        name: of the kind, in keys.
        whose: of the kind, for a client: "this user".
        requests: that are added in `per_s`.
        per_s: whole seconds.
        burst: requests that a full one has; as many as a second adds, or more.
    """

    name: str
    whose: str
    requests: int
    per_s: int
    burst: int

    @property
    def cost(self) -> int:
        """Tokens of a request: so many that each second adds whole tokens, and none is lost."""
        return self.per_s

    @property
    def quota(self) -> Quota:
        """The same in tokens, as the library counts them."""
        return per_sec(self.requests, burst=self.burst * self.per_s)


@record
class Taken:
    """An allowance after a request was counted in it.

    Attributes:
        rate: the kind of the allowance.
        remaining: requests that are left of it.
        reset_s: seconds until it is full again.
        retry_s: seconds until it has one for the request that was refused; 0 if it was not.
    """

    rate: Rate
    remaining: int
    reset_s: int
    retry_s: int

    @property
    def is_refused(self) -> bool:
        """Whether nothing was left: nothing was taken either."""
        return self.retry_s > 0


def nearer(one: Taken, other: Taken) -> Taken:
    """Of two allowances that the same request was counted in, the one that is nearer to its end."""
    if one.is_refused or other.is_refused:
        return one if one.is_refused else other
    return other if other.remaining < one.remaining else one


def taken_of(rate: Rate, result: RateLimitResult) -> Taken:
    """What the library says of a request that has `rate.cost`."""
    state = result.state
    return Taken(
        rate=rate,
        remaining=state.remaining // rate.per_s,
        # Both are whole numbers: the library rounds them up, and says that they are floats.
        reset_s=int(state.reset_after),
        retry_s=int(state.retry_after),
    )


class Allowances(Protocol):
    """The allowances of one kind."""

    async def take(self, key: str) -> Taken:
        """Counts one request of this key."""
        ...


class LocalAllowances(Allowances):
    """Those that this process keeps for itself; it waits for nothing.

    Args:
        rate: of each.
        keys_max: how many are kept. Over it the one that was asked for longest ago is dropped, and
            is full when it comes again: with room for all that are asked for in the time in which
            one fills, it would have been full anyway.
    """

    def __init__(self, rate: Rate, *, keys_max: int) -> None:
        self._rate = rate
        self._cost = rate.cost
        self._store = MemoryStore(options={"MAX_SIZE": keys_max})
        self._limiter = TokenBucketRateLimiter(rate.quota, self._store, key_prefix=KEY_PREFIX)

    @override
    async def take(self, key: str) -> Taken:
        return taken_of(self._rate, self._limiter.limit(key, self._cost))
