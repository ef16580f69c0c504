"""Transfers out of a wallet, and what becomes of them."""

from collections.abc import AsyncGenerator, Mapping, Sequence

from client import operations
from client.errors import NotOverError
from client.follow import follow
from client.pages import LIMIT_MAX, Listing
from client.requests import (
    WAIT_S_MAX,
    TransferOrder,
    create_batch,
    create_transfer,
    make,
    new_key,
    part_body,
)
from client.scope import Scope
from client.transfer_models import Batch, Direction, ListedTransfer, Transfer, TransferStatus

# A gateway that cannot wait any more answers at once; it is not asked more often than this.
_LOOK_S = 0.5


class Transfers:
    """The transfers of a session. Every method raises what `Caller.call` does.

    `wait_s` lets the gateway hold its answer back until the transfer is over, 30 s at the most;
    what comes then may still be under way.
    """

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
        wait_s: int = 0,
    ) -> Transfer:
        """A transfer to a user id or an e-mail; the same key never moves money twice.

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
        return await self.order(order, wait_s=wait_s)

    async def order(self, order: TransferOrder, *, wait_s: int = 0) -> Transfer:
        """The same of an order; the same order again is the same transfer."""
        request = create_transfer(self._scope.user_id, order, wait_s=wait_s)
        return await self._scope.call(request, Transfer.read)

    async def create_batch(self, orders: Sequence[TransferOrder]) -> Batch:
        """Up to 1,000 transfers in one request; one that is refused stops no other.

        Items that were told "later" are sent again with all the rest, within the bounds of repeats;
        what is still so then has 429 or 503 in its result, and the same batch may be sent again.
        """
        return await self._scope.call(create_batch(self._scope.user_id, orders), Batch.read)

    async def get(self, transfer_id: str, *, wait_s: int = 0) -> Transfer:
        """A transfer."""
        request = make(operations.GET_TRANSFER, _path(transfer_id), wait_s=wait_s)
        return await self._scope.call(request, Transfer.read)

    async def wait(self, transfer_id: str, *, within_s: float) -> Transfer:
        """The transfer when it is over.

        Raises:
            NotOverError: it is not, after this time; it goes on by itself.
        """
        caller = self._scope.caller
        clock = caller.clock
        deadline = clock.now() + within_s
        while True:
            began = clock.now()
            left_s = max(deadline - began, 0.0)
            request = make(
                operations.GET_TRANSFER,
                _path(transfer_id),
                wait_s=min(int(left_s), WAIT_S_MAX),
            )
            within = caller.within(left_s)
            transfer = await self._scope.call(request, Transfer.read, retries=within)
            if transfer.is_over:
                return transfer
            if clock.now() >= deadline:
                raise NotOverError(transfer_id, status=transfer.status, after_s=within_s)
            await clock.sleep(max(min(began + _LOOK_S, deadline) - clock.now(), 0.0))

    def follow(self, transfer_id: str) -> AsyncGenerator[Transfer, None]:
        """The transfer as of each status, while it comes into it: see `client.follow`."""
        return follow(self._scope.caller, transfer_id, token=self._scope.token)

    async def cancel(self, transfer_id: str) -> Transfer:
        """The transfer, cancelled by this or an earlier cancel.

        Raises:
            ConflictError: it is too late (`already_debited`, `already_final`).
        """
        return await self._scope.call(make(operations.CANCEL, _path(transfer_id)), Transfer.read)

    async def refund(
        self,
        transfer_id: str,
        *,
        amount: str | None = None,
        rounding: str | None = None,
        key: str | None = None,
        reason: str | None = None,
        wait_s: int = 0,
    ) -> Transfer:
        """The transfer that gives this one back, or a part; without an amount, all that is left."""
        request = make(
            operations.REFUND,
            _path(transfer_id),
            body=part_body(amount, rounding=rounding, reason=reason),
            key=new_key() if key is None else key,
            wait_s=wait_s,
        )
        return await self._scope.call(request, Transfer.read)

    def list(
        self,
        *,
        direction: Direction | None = None,
        status: TransferStatus | None = None,
        limit: int = LIMIT_MAX,
    ) -> Listing[ListedTransfer]:
        """What went out and came in, newest first."""
        filters = {"direction": direction, "status": status}
        return self._scope.listing(
            operations.LIST_TRANSFERS, ListedTransfer.read, filters=filters, limit=limit
        )


def _path(transfer_id: str) -> dict[str, str]:
    return {"transfer_id": transfer_id}
