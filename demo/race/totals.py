"""What came of a burst, and whether it can be."""

from collections.abc import Sequence
from dataclasses import dataclass

from demo.race.plan import AMOUNT_MINOR, Plan, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What clients were told, and what is in the books afterwards; amounts are minor units.

    Attributes:
        paid_out: withdrawals that were accepted: the money is gone.
        sent: transfers that were accepted.
        entries: the sum of the account's entries.
    """

    deposited: int
    accepted: int
    refused: int
    paid_out: int
    sent: int
    balance: int
    entries: int
    payee_balance: int

    @property
    def made(self) -> int:
        """Money from nothing: what was paid out and what is there, less what was deposited."""
        return self.paid_out + self.balance + self.payee_balance - self.deposited

    def is_right(self, plan: Plan) -> bool:
        """Whether as many were accepted as there was money for, and every book agrees."""
        return (
            self.made == 0
            and self.balance == self.entries
            and self.payee_balance == self.sent
            and self.accepted == min(plan.affordable, len(plan.requests))
            and self.accepted + self.refused == len(plan.requests)
        )


def add_up(
    plan: Plan, accepted: Sequence[bool], *, balance: int, entries: int, payee_balance: int
) -> Totals:
    """The totals of a burst, of which `accepted` tells each request's answer."""
    answered = list(zip(plan.requests, accepted, strict=True))
    return Totals(
        deposited=plan.deposited,
        accepted=sum(accepted),
        refused=len(accepted) - sum(accepted),
        paid_out=AMOUNT_MINOR * sum(yes for kind, yes in answered if kind is Request.WITHDRAWAL),
        sent=AMOUNT_MINOR * sum(yes for kind, yes in answered if kind is Request.TRANSFER),
        balance=balance,
        entries=entries,
        payee_balance=payee_balance,
    )
