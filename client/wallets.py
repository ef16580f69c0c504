"""A wallet: its balances, what goes in and out of it, and what may be spent of it."""

from collections.abc import Mapping
from datetime import datetime

from client import operations
from client.models import Account, Limit, Movement, PastBalance, Wallet
from client.operations import Operation
from client.requests import MovementOrder, as_amount, make, new_key
from client.scope import Scope


class Wallets:
    """The wallet of a session. Every method raises what `Caller.call` does."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def get(self) -> Wallet:
        """All accounts that exist."""
        return await self._scope.call(make(operations.GET_WALLET, self._path()), Wallet.read)

    async def balance(self, currency: str) -> Account:
        """One account; zeros where there is none yet."""
        request = make(operations.GET_BALANCE, self._path(currency=currency))
        return await self._scope.call(request, Account.read)

    async def balance_at(self, currency: str, at: datetime) -> PastBalance:
        """One balance as it was then; `at` has an offset."""
        request = make(operations.GET_BALANCE, self._path(currency=currency), query={"at": at})
        return await self._scope.call(request, PastBalance.read)

    async def deposit(
        self,
        *,
        currency: str,
        amount: str,
        key: str | None = None,
        metadata: Mapping[str, str] | None = None,
        reason: str | None = None,
        rounding: str | None = None,
    ) -> Movement:
        """Money from outside into the wallet; the same key never moves it twice."""
        order = MovementOrder(
            currency=currency,
            amount=amount,
            metadata=metadata,
            reason=reason,
            rounding=rounding,
            key=new_key() if key is None else key,
        )
        return await self._move(operations.DEPOSIT, order)

    async def withdraw(
        self,
        *,
        currency: str,
        amount: str,
        key: str | None = None,
        metadata: Mapping[str, str] | None = None,
        reason: str | None = None,
        rounding: str | None = None,
    ) -> Movement:
        """Money out of the wallet; the same key never moves it twice."""
        order = MovementOrder(
            currency=currency,
            amount=amount,
            metadata=metadata,
            reason=reason,
            rounding=rounding,
            key=new_key() if key is None else key,
        )
        return await self._move(operations.WITHDRAW, order)

    async def limit(self, currency: str) -> Limit:
        """The spending limit, and what it leaves of this UTC day."""
        request = make(operations.GET_LIMIT, self._path(currency=currency))
        return await self._scope.call(request, Limit.read)

    async def set_limit(
        self, currency: str, *, daily: str | None, reason: str | None = None
    ) -> Limit:
        """Sets the spending limit, as an operator; None takes it away. A repeat changes nothing."""
        body: dict[str, object] = {"daily": as_amount(daily) if daily is not None else None}
        if reason is not None:
            body["reason"] = reason
        request = make(operations.SET_LIMIT, self._path(currency=currency), body=body)
        return await self._scope.call(request, Limit.read)

    async def _move(self, operation: Operation, order: MovementOrder) -> Movement:
        request = make(operation, self._path(), body=order.body(), key=order.key)
        return await self._scope.call(request, Movement.read)

    def _path(self, **more: str) -> dict[str, str]:
        return {"user_id": self._scope.user_id, **more}
