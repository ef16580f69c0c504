"""Deciding on dead letters: the rows read, the rules asked, and the decision written with its act.

Redrive makes the transfer's row due, and the workers' redrive does the rest: it builds the message
from the row, signs it and sends it, as for every transfer, so that a decision needs neither Kafka
nor a key. The row is made due first, perhaps on another shard; the decision and its act follow in
one transaction on the letter's. A command that dies in between has decided nothing, and a transfer
was looked at a little sooner.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from uuid import UUID

from sagas.dead_letters import (
    ACT_OF,
    ENDS_AS,
    Decision,
    LetterCase,
    Obstacle,
    Refused,
    consequence_of,
    lacks_keys,
    refusal_of,
    refusal_of_decided,
    verified_transfer_id,
)
from sagas.messages import KeyRing
from shards.connection import Connection
from shards.dead_letters import (
    LetterStatus,
    StoredDeadLetter,
    decide_dead_letter,
    lock_dead_letter,
    read_dead_letter,
)
from shards.errors import BucketNotHereError
from shards.ids import bucket_of
from shards.operator_acts import NewAct, StoredAct, add_act, read_act
from shards.router import ShardMap
from shards.transfers import Transfer, make_due, read_transfers
from shards.verdicts import Verdict, read_verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The act that decided a letter; `repeated` when it was done before."""

    act: StoredAct
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One decision of one person."""

    decision: Decision
    done_by: str
    reason: str


async def find_letter(shards: ShardMap, letter_id: UUID) -> StoredDeadLetter | None:
    """The letter with this id; None when there is none.

    Raises:
        BucketNotHereError: the map is wrong: that it is not there would say nothing.
        ShardTransientError: its shard could not be asked.
    """
    if not shards.knows(letter_id):
        return None
    async with _owner(shards, letter_id) as conn:
        return await read_dead_letter(conn, letter_id)


async def examine(
    shards: ShardMap, letter: StoredDeadLetter, *, keys: KeyRing | None
) -> LetterCase:
    """A letter beside its transfer and verdict, each on its own shard.

    Raises:
        BucketNotHereError: the map is wrong: a row that is not there would say nothing.
        ShardTransientError: one of the shards could not be asked.
    """
    transfer_id = verified_transfer_id(letter, keys)
    transfer = await _find_transfer(shards, transfer_id)
    verdict = await _find_verdict(shards, transfer)
    if verdict is not None:
        # A verdict is younger than the debit: beside it, a row read before may be out of date.
        transfer = await _find_transfer(shards, transfer_id)
    return LetterCase(
        letter=letter,
        transfer_id=transfer_id,
        lacks_keys=lacks_keys(letter, keys),
        transfer=transfer,
        verdict=verdict,
    )


async def decide(
    shards: ShardMap, letter_id: UUID, order: Order, *, keys: KeyRing | None
) -> Decided | Refused:
    """Decides one letter, once: the same decision again is told the act that stands.

    Raises:
        ShardTransientError: run it again; what was decided meanwhile stands.
    """
    try:
        letter = await find_letter(shards, letter_id)
        if letter is None:
            return Refused(Obstacle.UNKNOWN_LETTER, f"there is no dead letter {letter_id}")
        consequence = ""
        if letter.status is LetterStatus.OPEN:
            # What allows a discard stays so: a transfer that is over, or not there. What allows a
            # redrive does not, and making the row due tells.
            case = await examine(shards, letter, keys=keys)
            refused = refusal_of(order.decision, case) or await _prepare(shards, case, order)
            if refused is not None:
                return refused
            consequence = consequence_of(order.decision, case)
        return await _write(shards, letter, order, consequence=consequence)
    except BucketNotHereError as error:
        return misplaced(error)


def misplaced(error: BucketNotHereError) -> Refused:
    """The refusal of any decision for which a shard was asked that does not own the bucket."""
    return Refused(Obstacle.BUCKET_NOT_HERE, f"{error}. HOLDFAST_SHARDS is not where the rows are")


async def _prepare(shards: ShardMap, case: LetterCase, order: Order) -> Refused | None:
    """Makes the transfer of a redrive due, unless it is over by now."""
    if order.decision is Decision.DISCARD:
        return None
    assert case.transfer is not None, "a redrive without a transfer is refused"
    bucket = bucket_of(case.transfer.id)
    async with shards.of_bucket(bucket).transaction([bucket]) as conn:
        if await make_due(conn, case.transfer.id):
            return None
        transfers = await read_transfers(conn, [case.transfer.id])
    return refusal_of(order.decision, replace(case, transfer=transfers[case.transfer.id]))


async def _write(
    shards: ShardMap, letter: StoredDeadLetter, order: Order, *, consequence: str
) -> Decided | Refused:
    async with shards.of_id(letter.id).transaction([letter.bucket]) as conn:
        status, act_seq = await lock_dead_letter(conn, letter.id)
        if status is LetterStatus.OPEN:
            act = await add_act(
                conn,
                NewAct(
                    act=ACT_OF[order.decision],
                    target_id=letter.id,
                    done_by=order.done_by,
                    reason=order.reason,
                    detail=consequence,
                ),
            )
            await decide_dead_letter(
                conn, letter.id, status=ENDS_AS[order.decision], act_seq=act.seq
            )
            return Decided(act=act, repeated=False)
        refused = refusal_of_decided(order.decision, status)
        if refused is not None:
            return refused
        assert act_seq is not None, "the schema has an act for each decided letter"
        earlier = await read_act(conn, bucket=letter.bucket, seq=act_seq)
    assert earlier is not None, "a foreign key"
    return Decided(act=earlier, repeated=True)


async def _find_transfer(shards: ShardMap, transfer_id: UUID | None) -> Transfer | None:
    if transfer_id is None or not shards.knows(transfer_id):
        return None
    async with _owner(shards, transfer_id) as conn:
        return (await read_transfers(conn, [transfer_id])).get(transfer_id)


async def _find_verdict(shards: ShardMap, transfer: Transfer | None) -> Verdict | None:
    if transfer is None or transfer.payee_id is None or not shards.knows(transfer.payee_id):
        return None
    async with _owner(shards, transfer.payee_id) as conn:
        return (await read_verdicts(conn, [transfer.id])).get(transfer.id)


def _owner(shards: ShardMap, id_: UUID) -> AbstractAsyncContextManager[Connection]:
    """The shard that owns the bucket of an id: elsewhere, no row does not mean that there is none.

    A transaction, since that is what asks the shard whether it owns a bucket.
    """
    return shards.of_id(id_).transaction([bucket_of(id_)])
