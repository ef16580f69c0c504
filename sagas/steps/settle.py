"""Settle, on the payer's shard: the verdict ends the transfer."""

from sagas.outcomes import SetAside
from sagas.payer_side import PayerSide
from sagas.states import Event, Reason, Status
from shards.records import record
from shards.transfers import Transfer
from shards.verdicts import Verdict, VerdictKind


@record(kw_only=False)
class Settled:
    """The transfer as the verdict left it."""

    transfer: Transfer


_ENDED_BY = {
    VerdictKind.CREDITED: (Event.COMPLETE, Status.COMPLETED),
    VerdictKind.REFUSED: (Event.REFUND, Status.REFUNDED),
}


def settle(side: PayerSide, verdict: Verdict) -> Settled | SetAside:
    """Completes what was credited and gives back what was refused.

    A verdict comes from the payee's shard's committed row, never from a message. A repeat finds the
    transfer ended by the same verdict and changes nothing.
    """
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
