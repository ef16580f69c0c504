"""What stands against spending: one rule for tries, holds and withdrawals."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sagas.states import Reason, refusal_of_payer
from shards.book import Book
from shards.users import UserStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What would be spent: minor units, and the UTC day on which they would count."""

    user_id: UUID
    currency: str
    amount: int
    day: date


def refusal_of_spending(
    book: Book, wanted: Spending, *, status: UserStatus, advice: Reason | None
) -> Reason | None:
    """Why a user may not spend so much now; None when it may.

    Args:
        book: with the user's account as this transaction has it so far.
        wanted: on the day that `Book.time_of_spending` gives.
        status: of the user.
        advice: what the payee's shard has against it, where there is a payee.
    """
    refusal = refusal_of_payer(status) or advice
    if refusal is not None:
        return refusal
    account = book.account(wanted.user_id, wanted.currency)
    if account.available < wanted.amount:
        return Reason.INSUFFICIENT_FUNDS
    return None if account.may_spend(wanted.amount, on=wanted.day) else Reason.LIMIT_EXCEEDED
