"""Who may do what: the 401 and 404 that come before everything else in a request is looked at."""

from uuid import UUID

from aiohttp import web

from gateway.headers import bearer_token
from gateway.path_ids import path_uuid
from gateway.problems import Problem
from gateway.tokens import Principal, Role, Tokens

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
