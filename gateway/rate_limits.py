"""How often who may ask: each user, each address, and each login with one e-mail.

A request is counted once: by `admit`, which its handler calls when its 401, 404 and 403 are
decided, and before its 400 and 422 are; or else, when it was refused before that or no handler is
there, by the first look at its answer. So who has no token is counted too, and told what they would
be told anyway. Only `admit` refuses.
"""

import hashlib
from typing import Final

from aiohttp import web

from gateway.allowances import Allowances, LocalAllowances, Rate, Taken, nearer
from gateway.auth import principal_of
from gateway.client_address import ClientAddresses
from gateway.clients import ALWAYS
from gateway.problems import Problem
from gateway.shared_allowances import SharedAllowances, SharedStore
from shards.records import record

# What one process keeps. Users and addresses are full again after two seconds, in which one process
# does not answer so many.
_USERS_MAX: Final = 20_000
_ADDRESSES_MAX: Final = 20_000
# One address can ask for 124,000 in the minute in which a login's is full again: whoever guesses
# passwords gets no more tries by asking for others' in between.
_LOGINS_MAX: Final = 125_000


@record
class Rates:
    """The rates of the three kinds."""

    user: Rate
    address: Rate
    login: Rate


def rates_of(
    *, per_user: int, user_burst: int, per_address: int, address_burst: int, login_per_min: int
) -> Rates:
    """The rates with these numbers: requests in a second, or logins in a minute."""
    return Rates(
        user=Rate(name="user", whose="this user", requests=per_user, per_s=1, burst=user_burst),
        address=Rate(
            name="address",
            whose="this address",
            requests=per_address,
            per_s=1,
            burst=address_burst,
        ),
        login=Rate(
            name="login",
            whose="this e-mail from this address",
            requests=login_per_min,
            per_s=60,
            burst=login_per_min,
        ),
    )


class RateLimits:
    """The allowances of one gateway. `start` opens what they need, `close` ends it.

    Args:
        rates: of each kind.
        clients: says which address a request is of.
        redis: the URL of the Redis where gateways count together; None: this one by itself.

    Raises:
        ValueError: the URL is none.
    """

    def __init__(self, rates: Rates, *, clients: ClientAddresses, redis: str | None) -> None:
        self._clients = clients
        self._shared = SharedStore(redis) if redis is not None else None
        self._users = self._allowances(rates.user, keys_max=_USERS_MAX)
        self._addresses = self._allowances(rates.address, keys_max=_ADDRESSES_MAX)
        self._logins = self._allowances(rates.login, keys_max=_LOGINS_MAX)

    def _allowances(self, rate: Rate, *, keys_max: int) -> Allowances:
        local = LocalAllowances(rate, keys_max=keys_max)
        if self._shared is None:
            return local
        return SharedAllowances(rate, shared=self._shared, local=local)

    async def start(self) -> None:
        """Looks for Redis, which may be away."""
        if self._shared is not None:
            await self._shared.start()

    async def close(self) -> None:
        """Ends the connections."""
        if self._shared is not None:
            await self._shared.close()

    async def counted(self, request: web.BaseRequest) -> Taken:
        """Counts this request, at the first call; the same at every call.

        It counts for its address, and if that has some left and it has shown who it is, for its
        user. What is told is that of the two which is nearer to its end.
        """
        taken = request.get(_TAKEN)
        if taken is None:
            taken = await self._addresses.take(self._client_of(request))
            principal = principal_of(request)
            if principal is not None and not taken.is_refused:
                taken = nearer(taken, await self._users.take(principal.user_id.hex))
            request[_TAKEN] = taken
        return taken

    async def login_counted(self, request: web.Request, email: str | None) -> Taken:
        """Counts a login with this e-mail from the address of this request, at every call."""
        who = f"{self._client_of(request)} {email or ''}".encode()
        # E-mails of people are no keys for other stores.
        taken = await self._logins.take(hashlib.sha256(who).hexdigest())
        request[_TAKEN] = nearer(await self.counted(request), taken)
        return taken

    def _client_of(self, request: web.BaseRequest) -> str:
        return self._clients.of_request(request)


_TAKEN = web.RequestKey("taken", Taken)
_RATE_LIMITS = web.AppKey("rate_limits", RateLimits)


def install_rate_limits(app: web.Application, limits: RateLimits) -> None:
    """Has all requests to `app` counted, and all its answers say what is left.

    Args:
        app: an application that has not started; one without this has no limits, at no cost.
        limits: to count in.
    """
    app[_RATE_LIMITS] = limits

    # As a signal and not in a middleware, as the other headers of all answers.
    async def tell(request: web.BaseRequest, response: web.StreamResponse) -> None:
        if request.path not in ALWAYS:
            _set_headers(response, await limits.counted(request))

    app.on_response_prepare.append(tell)


async def admit(request: web.Request) -> None:
    """Counts a request, and refuses it when it is one too many.

    Every handler calls it: after all that may be a 401, a 404 or a 403, and before it looks at a
    header, a body or a query that may be a 400 or a 422. Another call changes nothing.

    Raises:
        Problem: 429 `rate_limited`.
    """
    limits = request.app.get(_RATE_LIMITS)
    if limits is not None:
        _refuse(await limits.counted(request))


async def admit_login(request: web.Request, email: str | None) -> None:
    """Counts a login beside what `admit` has counted, and refuses it when it is one too many.

    Each e-mail is counted by itself at each address: whoever guesses passwords is stopped, and the
    user, who is elsewhere, is not.

    Args:
        request: that has been admitted.
        email: normalised; all that nobody can have (None) are counted as one.

    Raises:
        Problem: 429 `rate_limited`.
    """
    limits = request.app.get(_RATE_LIMITS)
    if limits is not None:
        _refuse(await limits.login_counted(request, email))


def _refuse(taken: Taken) -> None:
    if taken.is_refused:
        raise Problem(
            "rate_limited",
            f"Too many requests of {taken.rate.whose}: repeat it in {taken.retry_s} s,"
            " with its key if it has one.",
            headers={"Retry-After": str(taken.retry_s)},
        )


def _set_headers(response: web.StreamResponse, taken: Taken) -> None:
    headers = response.headers
    headers["X-RateLimit-Limit"] = str(taken.rate.burst)
    headers["X-RateLimit-Remaining"] = str(taken.remaining)
    headers["X-RateLimit-Reset"] = str(taken.reset_s)
