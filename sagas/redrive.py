"""Redrive: doing again what a row's status implies. The part that is not optional.

Kafka is the wake-up call and may lose it; the row is the memory. With all topics emptied, redrive
alone brings every transfer to its end.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sagas.messages import IMPLIED_STEP, Message, Step, message_of
from sagas.states import Status
from shards.shard import Shard
from shards.transfers import Transfer, claim_due


@dataclass(frozen=True, slots=True, kw_only=True)
class RedrivePolicy:
    """How often a transfer is redriven, and how many at once."""

    backoff_base: timedelta
    backoff_cap: timedelta
    limit: int


async def claim_messages(
    shard: Shard, *, buckets: Collection[int], policy: RedrivePolicy, jitter: float
) -> list[Message]:
    """Claims what is due on one shard and says the messages it implies.

    Held and expired implies cancel; held, try-confirm; debited, confirm. Calling it twice, or on
    two workers, sends a message twice at the worst, and steps bear that.

    Args:
        shard: the payers' shard.
        buckets: payers' buckets to look in.
        policy: when to come back.
        jitter: 0 to 1, from the injected source.

    Raises:
        ShardTransientError: nothing is known to be claimed; the next round looks again.
    """
    async with shard.connection() as conn:
        due = await claim_due(
            conn,
            buckets=buckets,
            limit=policy.limit,
            backoff_base=policy.backoff_base,
            backoff_cap=policy.backoff_cap,
            jitter=jitter,
        )
    return [_implied(transfer, expired=expired) for transfer, expired in due]


def _implied(transfer: Transfer, *, expired: bool) -> Message:
    status = Status(transfer.status)
    step = Step.CANCEL if expired and status is Status.HELD else IMPLIED_STEP[status]
    return message_of(transfer, step)
