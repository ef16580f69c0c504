"""Try-confirm, on the payer's shard: what was held is debited."""

from sagas.messages import Message, Step, message_of
from sagas.outcomes import SetAside
from sagas.payer_side import PayerSide
from sagas.states import Event, Reason, Status, refusal_of_payer
from shards.records import record
from shards.transfers import Transfer


@record(kw_only=False)
class TryConfirmed:
    """The transfer as it stands, and the confirm to send when it is debited."""

    transfer: Transfer
    confirm: Message | None


def try_confirm(side: PayerSide, message: Message) -> TryConfirmed | SetAside:
    """Debits a held transfer; one that may not go on is cancelled in the same transaction.

    A repeat finds the transfer debited and returns its confirm again. Only the local row is
    believed: of the message, nothing but the ids is used.
    """
    transfer = side.find(message.transfer_id, payer_id=message.payer_id)
    if transfer is None:
        return SetAside("unknown_transfer", f"no transfer {message.transfer_id} of this payer")
    if transfer.status == Status.HELD:
        obstacle = _obstacle(side, transfer)
        if obstacle is None:
            transfer = side.apply(transfer, Event.DEBIT)
        else:
            transfer = side.apply(transfer, Event.CANCEL, reason=obstacle)
    return TryConfirmed(transfer, confirm_of(transfer))


def _obstacle(side: PayerSide, transfer: Transfer) -> Reason | None:
    if transfer.expires_at <= side.now:
        return Reason.EXPIRED
    return refusal_of_payer(side.payer_status(transfer))


def confirm_of(transfer: Transfer) -> Message | None:
    """The confirm of a debited transfer; None in any other status."""
    return message_of(transfer, Step.CONFIRM) if transfer.status == Status.DEBITED else None
