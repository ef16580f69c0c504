"""Confirm, on the payee's shard: the verdict, and the credit when it is one.

Once the debit stands, confirm cannot fail for a business reason: a "no" is a verdict, recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sagas.events import TRANSFER_CREDITED, credited_data
from sagas.locking import Locked, lock_step_users
from sagas.messages import Message
from sagas.outcomes import SKIPPED, SetAside, Skipped
from sagas.states import Reason
from shards.book import BALANCE_LIMIT, Book, EntryKind
from shards.errors import ShardBusyError
from shards.ids import bucket_of
from shards.opening import open_verdicts
from shards.shard import Shard
from shards.users import UserStatus
from shards.verdicts import (
    Verdict,
    VerdictKind,
    VerdictRaceError,
    insert_verdicts,
)
from shards.writes import write_together


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The verdict that stands, given now or earlier."""

    verdict: Verdict


async def confirm(
    shard: Shard, messages: Sequence[Message], *, wait: bool
) -> list[Confirmed | SetAside | Skipped]:
    """Gives each transfer its verdict, once; a repeat returns the verdict that stands.

    Args:
        shard: the payees' shard.
        messages: verified confirms; only the payer's shard signs one, after its debit committed.
        wait: whether to wait for locked payees or leave them skipped.

    Raises:
        ShardTransientError: run it again.
    """
    try:
        return await _confirm(shard, messages, wait=wait)
    except VerdictRaceError as error:
        raise ShardBusyError(shard.name, f"another worker gave the verdict: {error}") from error


async def _confirm(
    shard: Shard, messages: Sequence[Message], *, wait: bool
) -> list[Confirmed | SetAside | Skipped]:
    async with shard.transaction({bucket_of(m.payee_id) for m in messages}) as conn:
        locked = await lock_step_users(conn, {m.payee_id for m in messages}, wait=wait)
        mine = [m for m in messages if m.payee_id not in locked.skipped]
        book, verdicts = await open_verdicts(
            conn, locked.users, [(m.transfer_id, m.payee_id, m.currency) for m in mine]
        )
        given: list[Verdict] = []
        for message in mine:
            if message.transfer_id not in verdicts:
                verdict = _give(message, book, locked)
                verdicts[message.transfer_id] = verdict
                given.append(verdict)
        await write_together(conn, [*insert_verdicts(given), *book.writes()])
    return [
        SKIPPED if m.payee_id in locked.skipped else _answer(m, verdicts[m.transfer_id])
        for m in messages
    ]


def _give(message: Message, book: Book, locked: Locked) -> Verdict:
    refusal = _refusal(message, book, locked)
    verdict = Verdict(
        transfer_id=message.transfer_id,
        payer_id=message.payer_id,
        payee_id=message.payee_id,
        currency=message.currency,
        amount=message.amount,
        kind=VerdictKind.CREDITED if refusal is None else VerdictKind.REFUSED,
        reason=refusal,
        created_at=book.now,
    )
    if refusal is None:
        book.post(
            EntryKind.TRANSFER_IN,
            user_id=message.payee_id,
            currency=message.currency,
            amount=message.amount,
            source_id=message.transfer_id,
            counterparty_id=message.payer_id,
        )
        book.tell(
            TRANSFER_CREDITED,
            user_id=message.payee_id,
            data=credited_data(verdict),
            traceparent=message.traceparent,
        )
    return verdict


def _refusal(message: Message, book: Book, locked: Locked) -> Reason | None:
    payee = locked.users.get(message.payee_id)
    if payee is None:
        return Reason.UNKNOWN_PAYEE
    if payee.status is UserStatus.CLOSED:
        return Reason.PAYEE_CLOSED
    if book.account(message.payee_id, message.currency).balance + message.amount >= BALANCE_LIMIT:
        return Reason.BALANCE_LIMIT
    return None


def _answer(message: Message, verdict: Verdict) -> Confirmed | SetAside:
    asked = (message.payer_id, message.payee_id, message.currency, message.amount)
    if asked != (verdict.payer_id, verdict.payee_id, verdict.currency, verdict.amount):
        return SetAside("verdict_mismatch", f"the verdict on {message.transfer_id} says otherwise")
    return Confirmed(verdict)
