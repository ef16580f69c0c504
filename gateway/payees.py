"""Who a transfer goes to, as far as it can be known now.

What the payee's shard says here is advice to the payer: nothing relies on it, the verdict decides.
"""

from collections.abc import Collection
from uuid import UUID

from gateway.known_users import KnownUsers
from gateway.lanes import GatewayLanes
from gateway.problems import Problem
from sagas.outcomes import Failed
from sagas.states import Reason
from shards.errors import ShardTransientError
from shards.records import record
from shards.router import ShardMap
from shards.users import UserStatus


@record(kw_only=False)
class Payee:
    """The payee, if there is one, and what stands against paying it.

    `refusal` is recorded under the key, `obstacle` is not; both stand only for a new key.
    """

    id: UUID | None
    refusal: Reason | None = None
    obstacle: Exception | None = None


class Payees:
    """Finds payees: those that are known, and the others on their shards."""

    def __init__(self, shards: ShardMap, lanes: GatewayLanes, known: KnownUsers) -> None:
        self._shards = shards
        self._lanes = lanes
        self._known = known

    async def find(self, to: UUID | str, *, payer_id: UUID) -> Payee:
        """The payee named by a user id or a normalised e-mail; never raises for what it finds."""
        return self._of_known(to, payer_id) or (await self._ask([to], payer_id))[to]

    async def find_all(
        self, tos: Collection[UUID | str], *, payer_id: UUID
    ) -> dict[UUID | str, Payee]:
        """As `find` of each; every shard is asked once for all of them."""
        payees = {to: payee for to in tos if (payee := self._of_known(to, payer_id)) is not None}
        unknown = [to for to in tos if to not in payees]
        if unknown:
            payees |= await self._ask(unknown, payer_id)
        return payees

    def _of_known(self, to: UUID | str, payer_id: UUID) -> Payee | None:
        if isinstance(to, UUID):
            user_id = to if self._known.is_open(to) else None
        else:
            user_id = self._known.by_email(to)
        return _not_oneself(Payee(user_id), payer_id) if user_id is not None else None

    async def _ask(self, tos: Collection[UUID | str], payer_id: UUID) -> dict[UUID | str, Payee]:
        since = self._known.glance()
        payees: dict[UUID | str, Payee] = {}
        ids = [to for to in tos if isinstance(to, UUID)]
        if ids:
            statuses = await self._lanes.find_users(id_ for id_ in ids if self._shards.knows(id_))
            self._known.learn(statuses, since=since)
            payees |= {id_: _by_id(id_, statuses.get(id_)) for id_ in ids}
        emails = [to for to in tos if isinstance(to, str)]
        if emails:
            found = await self._lanes.find_emails(emails)
            self._known.learn_emails(found, since=since)
            payees |= {email: _by_email(found[email]) for email in emails}
        return {to: _not_oneself(payee, payer_id) for to, payee in payees.items()}


def _not_oneself(payee: Payee, payer_id: UUID) -> Payee:
    if payee.id != payer_id:
        return payee
    same = "Payer and payee are the same."
    return Payee(payer_id, obstacle=Problem.of_field("/to", "self_transfer", same))


def _by_id(user_id: UUID, found: UserStatus | Failed | None) -> Payee:
    if not isinstance(found, Failed):
        return Payee(user_id, refusal=_refusal(found))
    if isinstance(found.error, ShardTransientError):
        # Accepted unchecked: it goes on when the shard is back, whose verdict counts anyway.
        return Payee(user_id)
    return Payee(user_id, obstacle=found.error)


def _by_email(found: tuple[UUID, UserStatus] | Failed | None) -> Payee:
    if isinstance(found, Failed):
        return Payee(None, obstacle=found.error)
    if found is None:
        return Payee(None, refusal=Reason.UNKNOWN_PAYEE)
    user_id, status = found
    return Payee(user_id, refusal=_refusal(status))


def _refusal(status: UserStatus | None) -> Reason | None:
    match status:
        case None:
            return Reason.UNKNOWN_PAYEE
        case UserStatus.CLOSED:
            return Reason.PAYEE_CLOSED
        case UserStatus.OPEN | UserStatus.FROZEN:
            return None
