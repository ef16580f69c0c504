"""Who a transfer goes to, as far as it can be known now.

What the payee's shard says here is advice to the payer: nothing relies on it, the verdict decides.
"""

from dataclasses import dataclass
from uuid import UUID

from gateway.lanes import GatewayLanes
from gateway.problems import Problem
from sagas.states import Reason
from shards.errors import ShardTransientError
from shards.router import ShardMap
from shards.users import UserStatus


@dataclass(frozen=True, slots=True)
class Payee:
    """The payee, if there is one, and what stands against paying it.

    `refusal` is recorded under the key, `obstacle` is not; both stand only for a new key.
    """

    id: UUID | None
    refusal: Reason | None = None
    obstacle: Exception | None = None


class Payees:
    """Finds payees on their shards."""

    def __init__(self, shards: ShardMap, lanes: GatewayLanes) -> None:
        self._shards = shards
        self._lanes = lanes

    async def find(self, to: UUID | str, *, payer_id: UUID) -> Payee:
        """The payee named by a user id or a normalised e-mail; never raises for what it finds."""
        payee = await (self._by_id(to) if isinstance(to, UUID) else self._by_email(to))
        if payee.id == payer_id:
            return Payee(payee.id, obstacle=Problem.of_field("/to", "self_transfer", _SELF))
        return payee

    async def _by_id(self, user_id: UUID) -> Payee:
        if not self._shards.knows(user_id):
            return Payee(user_id, refusal=Reason.UNKNOWN_PAYEE)
        try:
            status = await self._lanes.find_user(user_id)
        except ShardTransientError:
            # Accepted unchecked: it goes on when the shard is back, whose verdict counts anyway.
            return Payee(user_id)
        return Payee(user_id, refusal=_refusal(status))

    async def _by_email(self, email: str) -> Payee:
        try:
            found = await self._lanes.find_email(email)
        except ShardTransientError as error:
            return Payee(None, obstacle=error)
        if found is None:
            return Payee(None, refusal=Reason.UNKNOWN_PAYEE)
        user_id, status = found
        return Payee(user_id, refusal=_refusal(status))


_SELF = "Payer and payee are the same."


def _refusal(status: UserStatus | None) -> Reason | None:
    match status:
        case None:
            return Reason.UNKNOWN_PAYEE
        case UserStatus.CLOSED:
            return Reason.PAYEE_CLOSED
        case UserStatus.OPEN | UserStatus.FROZEN:
            return None
