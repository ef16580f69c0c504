"""What may be decided on a dead letter. Rules only: `sagas.deciding` reads and writes.

A letter decides nothing about money, and neither does a decision on it. Redrive asks for what the
transfer's row implies, as the workers' redrive does by itself; the bytes of a letter are never sent
again, whoever signed them. Discard says that nothing is left to do.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sagas.messages import IMPLIED_STEP, KeyRing, PoisonError, Step
from sagas.states import TERMINAL, Status
from shards.dead_letters import LetterStatus, StoredDeadLetter
from shards.transfers import Transfer
from shards.verdicts import Verdict


class Decision(StrEnum):
    """What an operator can do with a letter."""

    REDRIVE = "redrive"
    DISCARD = "discard"


ENDS_AS = {
    Decision.REDRIVE: LetterStatus.REDRIVEN,
    Decision.DISCARD: LetterStatus.DISCARDED,
}
ACT_OF = {decision: f"dead_letter.{decision}" for decision in Decision}

# Found before any key was looked for: no key makes these a message.
_FOUND_WITHOUT_KEYS = frozenset(("undecodable", "unknown_version"))
# Ours perhaps, and of a transfer: its key was missing, or its signature was right.
_MAY_NAME_A_TRANSFER = frozenset(("unknown_key", "wrong_step", "unknown_bucket"))


class Obstacle(StrEnum):
    """Why a decision is refused."""

    UNKNOWN_LETTER = "unknown_letter"
    BUCKET_NOT_HERE = "bucket_not_here"
    ALREADY_DECIDED = "already_decided"
    NOT_VERIFIED = "not_verified"
    NAMES_NO_TRANSFER = "names_no_transfer"
    UNKNOWN_TRANSFER = "unknown_transfer"
    TRANSFER_OVER = "transfer_over"
    TRANSFER_OPEN = "transfer_open"
    VERDICT_DISAGREES = "verdict_disagrees"


@dataclass(frozen=True, slots=True)
class Refused:
    """A decision that was not taken; `detail` says why and what to do instead."""

    obstacle: Obstacle
    detail: str


_NOT_VERIFIED = Refused(
    Obstacle.NOT_VERIFIED,
    "not verified: no keys given, and it may name a transfer. Run it again with the workers' keys"
    " in HOLDFAST_MESSAGES__KEYS",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterCase:
    """A letter beside the rows it is about, as they are now.

    Attributes:
        transfer_id: of the message, where it verified; None where nothing it says is known.
        lacks_keys: nobody looked whether it verifies: it would take keys, and none were given.
        transfer: None where there is none with this id.
        verdict: None where none was given.
    """

    letter: StoredDeadLetter
    transfer_id: UUID | None
    lacks_keys: bool
    transfer: Transfer | None
    verdict: Verdict | None


def verified_transfer_id(letter: StoredDeadLetter, keys: KeyRing | None) -> UUID | None:
    """The transfer that a letter's message is about; None unless we signed the message.

    A message that verified when it came has its transfer in the letter. One that did not may do so
    now, as when its key was missing for a while, or may have come on another step's topic.
    """
    if letter.transfer_id is not None or keys is None:
        return letter.transfer_id
    for step in Step:
        try:
            return keys.decode(letter.value, step=step, traceparent="").transfer_id
        except PoisonError:
            continue
    return None


def lacks_keys(letter: StoredDeadLetter, keys: KeyRing | None) -> bool:
    """Whether only keys could tell what a letter's message is about, and there are none."""
    return letter.transfer_id is None and keys is None and letter.reason not in _FOUND_WITHOUT_KEYS


def refusal_of(decision: Decision, case: LetterCase) -> Refused | None:
    """Why an open letter may not be decided so; None when it may."""
    match decision:
        case Decision.REDRIVE:
            return _refusal_of_redrive(case)
        case Decision.DISCARD:
            return _refusal_of_discard(case)


def refusal_of_decided(decision: Decision, status: LetterStatus) -> Refused | None:
    """Why a decided letter may not be decided again; None when it was decided just so."""
    if status is ENDS_AS[decision]:
        return None
    return Refused(Obstacle.ALREADY_DECIDED, f"it was {status} already, and a decision is final")


def consequence_of(decision: Decision, case: LetterCase) -> str:
    """What a decision that is allowed leads to, for the trail and for the person."""
    if decision is Decision.REDRIVE:
        assert case.transfer is not None, "a redrive without a transfer is refused"
        step = IMPLIED_STEP[Status(case.transfer.status)]
        return f"{step} asked for again: transfer {case.transfer.id} is {case.transfer.status}"
    if case.lacks_keys:
        return f"not verified: no keys given; it was {case.letter.reason} when it came"
    if case.transfer_id is None:
        return "it names no transfer"
    if case.transfer is None:
        return f"there is no transfer {case.transfer_id}"
    return f"transfer {case.transfer.id} is over: {case.transfer.status}"


def _refusal_of_redrive(case: LetterCase) -> Refused | None:
    transfer = case.transfer
    if case.lacks_keys:
        return _NOT_VERIFIED
    if case.transfer_id is None:
        return Refused(
            Obstacle.NAMES_NO_TRANSFER,
            "its bytes do not verify, so it names no transfer: there is nothing to do again."
            " Discard it",
        )
    if transfer is None:
        return Refused(
            Obstacle.UNKNOWN_TRANSFER,
            f"there is no transfer {case.transfer_id}, so no row says what to do again. Run"
            " `holdfast audit`: a shard that was restored may have lost its last commits",
        )
    if Status(transfer.status) in TERMINAL:
        return Refused(
            Obstacle.TRANSFER_OVER,
            f"transfer {transfer.id} is {transfer.status}: redrive would change nothing. Discard"
            " the letter",
        )
    if case.verdict is not None and not _fits(case.verdict, transfer):
        return Refused(
            Obstacle.VERDICT_DISAGREES,
            f"transfer {transfer.id} is {transfer.status}, and the verdict of the payee's shard"
            " is on something else: doing it again cannot bring the two together. Run"
            " `holdfast audit`",
        )
    return None


def _refusal_of_discard(case: LetterCase) -> Refused | None:
    if case.lacks_keys and case.letter.reason in _MAY_NAME_A_TRANSFER:
        return _NOT_VERIFIED
    if case.transfer is None or Status(case.transfer.status) in TERMINAL:
        return None
    return Refused(
        Obstacle.TRANSFER_OPEN,
        f"transfer {case.transfer.id} is still {case.transfer.status}, and nobody would see it any"
        " more. Redrive it, or wait until it is over",
    )


def _fits(verdict: Verdict, transfer: Transfer) -> bool:
    """Whether an open transfer can have this verdict."""
    return transfer.status == Status.DEBITED and (
        verdict.payer_id,
        verdict.payee_id,
        verdict.currency,
        verdict.amount,
        verdict.refund_of,
    ) == (
        transfer.payer_id,
        transfer.payee_id,
        transfer.currency,
        transfer.amount,
        transfer.refund_of,
    )
