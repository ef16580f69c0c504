"""Confirm, on the payee's shard: the verdict, and the credit when it is one.

Once the debit stands, confirm cannot fail for a business reason: a "no" is a verdict, recorded.
"""

from sagas.messages import Message
from sagas.outcomes import SetAside
from sagas.payee_side import PayeeSide
from shards.records import record
from shards.verdicts import Verdict


@record(kw_only=False)
class Confirmed:
    """The verdict that stands, given now or earlier."""

    verdict: Verdict


def confirm(side: PayeeSide, message: Message) -> Confirmed | SetAside:
    """Gives a transfer its verdict, once; a repeat returns the verdict that stands.

    Args:
        side: of the payee's shard.
        message: a verified confirm; only the payer's shard signs one, after its debit committed.
    """
    verdict = side.verdict(message)
    asked = (message.payer_id, message.payee_id, message.currency, message.amount)
    if (*asked, message.refund_of) != (
        verdict.payer_id,
        verdict.payee_id,
        verdict.currency,
        verdict.amount,
        verdict.refund_of,
    ):
        return SetAside("verdict_mismatch", f"the verdict on {message.transfer_id} says otherwise")
    return Confirmed(verdict)
