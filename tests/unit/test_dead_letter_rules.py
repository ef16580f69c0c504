"""What may be decided on a dead letter, case by case."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from sagas.dead_letters import (
    Decision,
    LetterCase,
    Obstacle,
    consequence_of,
    lacks_keys,
    refusal_of,
    refusal_of_decided,
    verified_transfer_id,
)
from sagas.messages import KeyRing, Message, Step
from sagas.states import TERMINAL, Status
from shards.dead_letters import LetterStatus, ReasonClass, StoredDeadLetter
from shards.ids import RandomIds
from shards.transfers import Transfer
from shards.verdicts import Verdict, VerdictKind

NOW = datetime(2026, 1, 31, tzinfo=UTC)
IDS = RandomIds()
PAYER, PAYEE, TRANSFER = IDS.new_id(0), IDS.new_id(1), IDS.new_id(0)
KEYS = KeyRing({"k1": b"k" * 32})

LETTER = StoredDeadLetter(
    id=IDS.new_id(0),
    bucket=0,
    topic="wallet.confirm.v1",
    partition=0,
    position=7,
    key=None,
    value=b"{",
    value_bytes=1,
    value_sha256=b"",
    headers=(),
    reason_class=ReasonClass.BUG,
    reason="bug",
    detail="",
    step="confirm",
    trace_id=None,
    transfer_id=TRANSFER,
    attempts=1,
    status=LetterStatus.OPEN,
    created_at=NOW,
    last_at=NOW,
    act_seq=None,
)
VERDICT = Verdict(
    transfer_id=TRANSFER,
    payer_id=PAYER,
    payee_id=PAYEE,
    currency="EUR",
    amount=100,
    kind=VerdictKind.CREDITED,
    reason=None,
    created_at=NOW,
    refund_of=None,
)


def transfer(status: Status) -> Transfer:
    return Transfer(
        id=TRANSFER,
        payer_id=PAYER,
        payee_id=PAYEE,
        currency="EUR",
        amount=100,
        status=status,
        reason=None,
        caller="",
        idempotency_key="",
        fingerprint=b"",
        metadata=None,
        traceparent="",
        attempts=0,
        next_attempt_at=None,
        created_at=NOW,
        expires_at=NOW,
        debited_at=None,
        ended_at=None,
        hold_id=None,
        refund_of=None,
        spent_on=None,
    )


def case_of(
    status: Status | None, *, transfer_id: UUID | None = TRANSFER, verdict: Verdict | None = None
) -> LetterCase:
    return LetterCase(
        letter=LETTER,
        transfer_id=transfer_id,
        lacks_keys=False,
        transfer=transfer(status) if status else None,
        verdict=verdict,
    )


def unverified(reason: str) -> LetterCase:
    letter = replace(LETTER, reason=reason, transfer_id=None)
    return replace(case_of(None, transfer_id=None), letter=letter, lacks_keys=True)


@dataclass(frozen=True)
class Case:
    """What is found, and what it stands in the way of."""

    id: str
    found: LetterCase
    redrive: Obstacle | None
    discard: Obstacle | None


CASES = [
    Case("no transfer", case_of(None, transfer_id=None), Obstacle.NAMES_NO_TRANSFER, None),
    *(
        Case(f"no keys, {reason}", unverified(reason), Obstacle.NOT_VERIFIED, Obstacle.NOT_VERIFIED)
        for reason in ("unknown_key", "wrong_step", "unknown_bucket")
    ),
    Case("no keys, forged", unverified("forged"), Obstacle.NOT_VERIFIED, None),
    Case("not there", case_of(None), Obstacle.UNKNOWN_TRANSFER, None),
    Case("held", case_of(Status.HELD), None, Obstacle.TRANSFER_OPEN),
    Case("debited", case_of(Status.DEBITED), None, Obstacle.TRANSFER_OPEN),
    Case(
        "debited, credited", case_of(Status.DEBITED, verdict=VERDICT), None, Obstacle.TRANSFER_OPEN
    ),
    Case(
        "debited, the verdict is on another amount",
        case_of(Status.DEBITED, verdict=replace(VERDICT, amount=101)),
        Obstacle.VERDICT_DISAGREES,
        Obstacle.TRANSFER_OPEN,
    ),
    Case(
        "held, and credited all the same",
        case_of(Status.HELD, verdict=VERDICT),
        Obstacle.VERDICT_DISAGREES,
        Obstacle.TRANSFER_OPEN,
    ),
    *(Case(status, case_of(status), Obstacle.TRANSFER_OVER, None) for status in sorted(TERMINAL)),
]


def obstacle(decision: Decision, found: LetterCase) -> Obstacle | None:
    refused = refusal_of(decision, found)
    return refused.obstacle if refused else None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_may_be_decided(case: Case):
    assert obstacle(Decision.REDRIVE, case.found) is case.redrive
    assert obstacle(Decision.DISCARD, case.found) is case.discard


@pytest.mark.parametrize("status", sorted(set(Status) - TERMINAL))
def test_a_letter_of_an_open_transfer_can_be_redriven_and_never_hidden(status: Status):
    assert obstacle(Decision.REDRIVE, case_of(status)) is None
    assert obstacle(Decision.DISCARD, case_of(status)) is Obstacle.TRANSFER_OPEN


@pytest.mark.parametrize(
    ("status", "step"), [(Status.HELD, "try-confirm"), (Status.DEBITED, "confirm")]
)
def test_redrive_asks_for_what_the_row_implies(status: Status, step: str):
    told = consequence_of(Decision.REDRIVE, case_of(status))

    assert told == f"{step} asked for again: transfer {TRANSFER} is {status}"


def test_the_same_decision_stands_and_another_is_refused():
    assert refusal_of_decided(Decision.REDRIVE, LetterStatus.REDRIVEN) is None
    assert refusal_of_decided(Decision.DISCARD, LetterStatus.DISCARDED) is None
    for decision, status in (
        (Decision.REDRIVE, LetterStatus.DISCARDED),
        (Decision.DISCARD, LetterStatus.REDRIVEN),
    ):
        refused = refusal_of_decided(decision, status)
        assert refused is not None
        assert refused.obstacle is Obstacle.ALREADY_DECIDED


# --- which transfer a letter is about

SIGNED = KEYS.encode(
    Message(
        step=Step.CANCEL,
        transfer_id=TRANSFER,
        payer_id=PAYER,
        payee_id=PAYEE,
        currency="EUR",
        amount=100,
        refund_of=None,
        traceparent="",
    )
)


@pytest.mark.parametrize(
    ("value", "keys", "names"),
    [
        (SIGNED, KEYS, True),
        (SIGNED, KeyRing({"k1": b"x" * 32}), False),
        (SIGNED, KeyRing({"k2": b"k" * 32}), False),
        (SIGNED, None, False),
        (SIGNED.replace(b'"100"', b'"999"'), KEYS, False),
        (b"{", KEYS, False),
        (None, KEYS, False),
    ],
    ids=["ours", "forged", "unknown key", "no keys", "changed", "garbage", "nothing"],
)
def test_poison_names_a_transfer_only_if_we_signed_it(
    value: bytes | None, keys: KeyRing | None, names: bool
):
    letter = replace(LETTER, value=value, transfer_id=None)

    assert verified_transfer_id(letter, keys) == (TRANSFER if names else None)


def test_what_verified_when_it_came_needs_no_key():
    assert verified_transfer_id(LETTER, None) == TRANSFER


@pytest.mark.parametrize(
    ("reason", "keys", "lacks"),
    [
        ("unknown_key", None, True),
        ("forged", None, True),
        ("unknown_key", KEYS, False),
        ("undecodable", None, False),
        ("unknown_version", None, False),
    ],
)
def test_only_what_a_key_could_verify_lacks_keys(reason: str, keys: KeyRing | None, lacks: bool):
    letter = replace(LETTER, reason=reason, transfer_id=None)

    assert lacks_keys(letter, keys) is lacks
    assert not lacks_keys(replace(letter, transfer_id=TRANSFER), keys)
