"""Settle, on the payer's shard: the verdict ends the transfer."""

from collections.abc import Sequence
from dataclasses import dataclass

from sagas.outcomes import SKIPPED, SetAside, Skipped
from sagas.payer_side import PayerSide, Timing, payer_side
from sagas.states import Event, Reason, Status
from shards.shard import Shard
from shards.transfers import Transfer
from shards.verdicts import Verdict, VerdictKind


@dataclass(frozen=True, slots=True)
class Settled:
    """The transfer as the verdict left it."""

    transfer: Transfer


_ENDED_BY = {
    VerdictKind.CREDITED: (Event.COMPLETE, Status.COMPLETED),
    VerdictKind.REFUSED: (Event.REFUND, Status.REFUNDED),
}


async def settle(
    shard: Shard, verdicts: Sequence[Verdict], *, wait: bool, timing: Timing
) -> list[Settled | SetAside | Skipped]:
    """Completes what was credited and gives back what was refused.

    Verdicts come from the payee's shard's committed rows, never from a message. A repeat finds the
    transfer ended by the same verdict and changes nothing.

    Raises:
        ShardTransientError: run it again.
    """
    asked = {(v.transfer_id, v.payer_id) for v in verdicts}
    async with payer_side(shard, asked, wait=wait, timing=timing) as side:
        return [_decide(side, verdict) for verdict in verdicts]


def _decide(side: PayerSide, verdict: Verdict) -> Settled | SetAside | Skipped:
    if side.is_skipped(verdict.payer_id):
        return SKIPPED
    transfer = side.find(verdict.transfer_id, payer_id=verdict.payer_id)
    if transfer is None:
        return SetAside("unknown_transfer", f"verdict on {verdict.transfer_id}, which is not there")
    event, ended = _ENDED_BY[verdict.kind]
    if transfer.status == Status.DEBITED:
        reason = Reason(verdict.reason) if verdict.reason else None
        return Settled(side.apply(transfer, event, reason=reason))
    if transfer.status == ended:
        return Settled(transfer)
    return SetAside(
        "verdict_contradicts",
        f"transfer {transfer.id} is {transfer.status}, its verdict is {verdict.kind}",
    )
