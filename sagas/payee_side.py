"""The payee's side of a transfer: its verdict, and the credit when it is one."""

from sagas.events import TRANSFER_CREDITED, credited_data
from sagas.messages import Message
from sagas.states import Reason
from shards.book import BALANCE_LIMIT
from shards.book_rows import EntryKind
from shards.opening import Sides
from shards.users import UserStatus
from shards.verdicts import Verdict, VerdictKind, insert_verdicts
from shards.writes import Write


class PayeeSide:
    """The verdicts that stand on a batch of confirms, and those that are given, in one transaction.

    Args:
        sides: the payees as far as they exist, their accounts, and the verdicts that stand.
    """

    def __init__(self, sides: Sides) -> None:
        self._users = sides.users
        self._book = sides.book
        self._verdicts = dict(sides.verdicts)
        self._given: list[Verdict] = []

    def verdict(self, message: Message) -> Verdict:
        """The verdict that stands, given now or earlier: a transfer has one for ever."""
        earlier = self._verdicts.get(message.transfer_id)
        return self._give(message) if earlier is None else earlier

    def writes(self) -> list[Write]:
        """The verdicts to write; one that somebody else has given raises `VerdictRaceError`."""
        return insert_verdicts(self._given)

    def _give(self, message: Message) -> Verdict:
        refusal = self._refusal(message)
        verdict = Verdict(
            transfer_id=message.transfer_id,
            payer_id=message.payer_id,
            payee_id=message.payee_id,
            currency=message.currency,
            amount=message.amount,
            kind=VerdictKind.CREDITED if refusal is None else VerdictKind.REFUSED,
            reason=refusal,
            created_at=self._book.now,
            refund_of=message.refund_of,
        )
        if refusal is None:
            self._credit(message, verdict)
        self._verdicts[message.transfer_id] = verdict
        self._given.append(verdict)
        return verdict

    def _credit(self, message: Message, verdict: Verdict) -> None:
        self._book.post(
            EntryKind.TRANSFER_IN,
            user_id=message.payee_id,
            currency=message.currency,
            amount=message.amount,
            source_id=message.transfer_id,
            counterparty_id=message.payer_id,
        )
        self._book.tell(
            TRANSFER_CREDITED,
            user_id=message.payee_id,
            data=credited_data(verdict),
            traceparent=message.traceparent,
        )

    def _refusal(self, message: Message) -> Reason | None:
        payee = self._users.get(message.payee_id)
        if payee is None:
            return Reason.UNKNOWN_PAYEE
        if payee.status is UserStatus.CLOSED:
            return Reason.PAYEE_CLOSED
        balance = self._book.account(message.payee_id, message.currency).balance
        return Reason.BALANCE_LIMIT if balance + message.amount >= BALANCE_LIMIT else None
