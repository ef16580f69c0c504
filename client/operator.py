"""What operators do: users, currencies, and the trail of what was done."""

from client import operations
from client.ledger_models import Act
from client.models import Currency, User
from client.operations import Operation
from client.pages import LIMIT_MAX, Listing, page_of
from client.requests import make
from client.scope import Scope


class Operator:
    """Acts of an operator; each is repeated safely, for a repeat changes nothing.

    Every method raises what `Caller.call` does: `ProblemError` with `operator_only` to who is none.
    What operators do in a wallet is in `Session.of`, with its limits, movements, holds and refunds.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def find_users(self, email: str) -> tuple[User, ...]:
        """The users with this e-mail: one, or none."""
        request = make(operations.FIND_USERS, query={"email": email})
        return tuple((await self._scope.call(request, page_of(User.read))).data)

    async def freeze(self, user_id: str, *, reason: str) -> User:
        """Who is frozen only receives."""
        return await self._change(operations.FREEZE, user_id, reason)

    async def unfreeze(self, user_id: str, *, reason: str) -> User:
        """The reverse."""
        return await self._change(operations.UNFREEZE, user_id, reason)

    async def close(self, user_id: str, *, reason: str) -> User:
        """Closes an empty wallet for good.

        Raises:
            ConflictError: it is not empty (`not_empty`).
        """
        return await self._change(operations.CLOSE, user_id, reason)

    async def put_currency(
        self,
        code: str,
        *,
        name: str,
        decimals: int,
        enabled: bool | None = None,
        reason: str | None = None,
    ) -> Currency:
        """A new currency (`answer.status` 201), or the one with this code as it is now (200).

        Raises:
            ConflictError: it has other decimals (`decimals_fixed`).
        """
        body = {
            "code": code,
            "name": name,
            "decimals": decimals,
            "enabled": enabled,
            "reason": reason,
        }
        given = {name: value for name, value in body.items() if value is not None}
        return await self._scope.call(make(operations.PUT_CURRENCY, body=given), Currency.read)

    def trail(self, *, target: str | None = None, limit: int = LIMIT_MAX) -> Listing[Act]:
        """All acts, newest first, or those on one row."""
        filters = {"target": target}
        return self._scope.listing(operations.LIST_ACTS, Act.read, filters=filters, limit=limit)

    async def _change(self, operation: Operation, user_id: str, reason: str) -> User:
        request = make(operation, {"user_id": user_id}, body={"reason": reason})
        return await self._scope.call(request, User.read)
