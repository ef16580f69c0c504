"""Who may do what: the 401, 404 and 403 that come before all else in a request is looked at.

A token says what its user was when it was made, and lives for hours. That is good enough for what
operators read. What they do changes rows, so it asks the operator's own row each time: whoever is
no operator any more, or is frozen or closed, is let in no more from that moment on. What was let in
before goes on to its end: the row may be on another shard than what it changes.
"""

from uuid import UUID

from aiohttp import web

from gateway.currencies import Currencies
from gateway.headers import bearer_token
from gateway.path_ids import path_uuid
from gateway.problems import Problem
from gateway.tokens import Principal, Role, Tokens
from shards.currencies import Currency
from shards.router import ShardMap
from shards.users import UserRole, UserStatus, find_users, read_user

_PRINCIPAL = web.RequestKey("principal", Principal)


def authenticate(request: web.Request, tokens: Tokens) -> Principal:
    """Who sends this request.

    Raises:
        Problem: 401 `unauthenticated` or `invalid_token`.
    """
    principal = request[_PRINCIPAL] = tokens.verify(bearer_token(request.headers))
    return principal


def principal_of(request: web.BaseRequest) -> Principal | None:
    """Whom `authenticate` has found to send this request; None when it has not been called."""
    return request.get(_PRINCIPAL)


def own_wallet(request: web.Request, principal: Principal) -> UUID:
    """The wallet in the path, which must be the sender's own.

    Raises:
        Problem: 404 for a malformed id and for everybody else's wallet alike.
    """
    user_id = path_uuid(request, "user_id")
    if user_id != principal.user_id:
        raise Problem("not_found")
    return user_id


def readable_wallet(request: web.Request, principal: Principal) -> UUID:
    """The wallet in the path, which must be the sender's own, or the sender an operator.

    Raises:
        Problem: 404 for a malformed id and for a user who asks for somebody else's wallet.
    """
    user_id = path_uuid(request, "user_id")
    if user_id != principal.user_id and principal.role is not Role.OPERATOR:
        raise Problem("not_found")
    return user_id


def require_party(principal: Principal, *parties: UUID | None) -> None:
    """Lets the parties of a hold or a transfer through, and operators, as their token says.

    Raises:
        Problem: 404 `not_found`, as if it were not there.
    """
    if principal.user_id not in parties and principal.role is not Role.OPERATOR:
        raise Problem("not_found")


async def require_user(shards: ShardMap, user_id: UUID) -> None:
    """Lets through when there is such a user.

    Raises:
        Problem: 404 `not_found`.
        ShardTransientError: the user's shard cannot be asked.
    """
    if not shards.knows(user_id):
        raise Problem("not_found")
    async with shards.of_id(user_id).connection() as conn:
        if user_id not in await find_users(conn, {user_id}):
            raise Problem("not_found")


async def require_currency(currencies: Currencies, code: str) -> Currency:
    """The currency with this upper-case code.

    Raises:
        Problem: 404 `not_found`.
        ShardTransientError: its shard is away, and it was never seen.
    """
    currency = await currencies.find(code)
    if currency is None:
        raise Problem("not_found")
    return currency


def require_operator(principal: Principal) -> None:
    """Lets operators through, as their token says: enough for a read.

    Raises:
        Problem: 403 `operator_only`.
    """
    if principal.role is not Role.OPERATOR:
        raise Problem("operator_only")


async def require_payee_or_operator(
    principal: Principal, *, payer_id: UUID, payee_id: UUID | None, shards: ShardMap
) -> None:
    """Lets through who was or would be paid, or an acting operator who does not pay it.

    Who pays must not take back what the payee has or was promised, whatever else it may do.

    Raises:
        Problem: 403 `not_payee`, or `operator_only` of one who is none any more.
        ShardTransientError: the shard of the operator's row cannot be asked.
    """
    if principal.user_id == payee_id:
        return
    if principal.user_id == payer_id or principal.role is not Role.OPERATOR:
        raise Problem("not_payee")
    await require_acting_operator(principal, shards)


async def require_acting_operator(principal: Principal, shards: ShardMap) -> None:
    """Lets through who is an operator at this moment, and open: what every act needs.

    Raises:
        Problem: 403 `operator_only`: by the token, or by the sender's own row.
        ShardTransientError: the shard of that row cannot be asked.
    """
    require_operator(principal)
    sender = None
    if shards.knows(principal.user_id):
        async with shards.of_id(principal.user_id).connection() as conn:
            sender = await read_user(conn, id_=principal.user_id)
    if (
        sender is None
        or sender.role is not UserRole.OPERATOR
        or sender.status is not UserStatus.OPEN
    ):
        raise Problem("operator_only", "You are no operator any more, or your wallet is not open.")
