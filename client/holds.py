"""Holds: money reserved for later, captured whole or in parts, or let go of."""

from collections.abc import Mapping

from client import operations
from client.pages import LIMIT_MAX, Listing
from client.requests import TransferOrder, make, new_key, part_body
from client.scope import Scope
from client.transfer_models import Hold, HoldStatus, Transfer


class Holds:
    """The holds of a session. Every method raises what `Caller.call` does."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def create(  # noqa: PLR0913 - the fields of the contract's body, by name
        self,
        *,
        to: str,
        currency: str,
        amount: str,
        key: str | None = None,
        metadata: Mapping[str, str] | None = None,
        expires_in_s: int | None = None,
        rounding: str | None = None,
    ) -> Hold:
        """Reserves money for a user id or an e-mail; the same key never reserves it twice.

        Raises:
            DeclinedError: it was refused, and is recorded under the key where the contract says so.
        """
        order = TransferOrder(
            to=to,
            currency=currency,
            amount=amount,
            metadata=metadata,
            expires_in_s=expires_in_s,
            rounding=rounding,
            key=new_key() if key is None else key,
        )
        path = {"user_id": self._scope.user_id}
        request = make(operations.CREATE_HOLD, path, body=order.body(), key=order.key)
        return await self._scope.call(request, Hold.read)

    async def get(self, hold_id: str) -> Hold:
        """A hold."""
        return await self._scope.call(make(operations.GET_HOLD, _path(hold_id)), Hold.read)

    def list(self, *, status: HoldStatus | None = None, limit: int = LIMIT_MAX) -> Listing[Hold]:
        """The holds that the wallet pays, newest first."""
        filters = {"status": status}
        return self._scope.listing(operations.LIST_HOLDS, Hold.read, filters=filters, limit=limit)

    async def capture(
        self,
        hold_id: str,
        *,
        amount: str | None = None,
        rounding: str | None = None,
        final: bool | None = None,
        key: str | None = None,
        wait_s: int = 0,
    ) -> Transfer:
        """The transfer that a part of the hold becomes; without an amount, all that remains.

        The last capture frees the rest: `final=False` keeps the hold open for more.

        Raises:
            ConflictError: the hold is over (`hold_closed`).
        """
        request = make(
            operations.CAPTURE,
            _path(hold_id),
            body=part_body(amount, rounding=rounding, final=final),
            key=new_key() if key is None else key,
            wait_s=wait_s,
        )
        return await self._scope.call(request, Transfer.read)

    async def void(self, hold_id: str, *, reason: str | None = None) -> Hold:
        """The hold, ended by this or an earlier void, as its payee or an operator.

        Raises:
            ConflictError: it ended otherwise (`hold_closed`).
        """
        body: dict[str, object] | None = {"reason": reason} if reason is not None else None
        return await self._scope.call(make(operations.VOID, _path(hold_id), body=body), Hold.read)


def _path(hold_id: str) -> dict[str, str]:
    return {"hold_id": hold_id}
