"""The demo's own books: what every wallet must hold, from the answers that the clients had."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from client import Account, as_minor, as_text
from demo.plan import CURRENCIES, Plan
from demo.tally import Ended, Tally

Place = tuple[int, str]
"""A user's number and a currency."""

WALLET = "wallet holds what its user was told"
NOTHING_HELD = "nothing is held any more"
CONSERVED = "wallets hold what was deposited"


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyTotals:
    """Money of the demo's users in one currency, in minor units."""

    currency: str
    deposited: int
    moved: int
    in_wallets: int
    held: int


def expected_balances(deposits: Mapping[Place, int], ended: Iterable[Ended]) -> Counter[Place]:
    """The balance of every account: what was deposited, less what was paid, plus what came in."""
    balances = Counter(deposits)
    for transfer in ended:
        if transfer.status == "completed":
            planned = transfer.planned
            balances[planned.payer, planned.currency] -= planned.amount
            balances[planned.payee, planned.currency] += planned.amount
    return balances


def check_wallets(
    plan: Plan,
    tally: Tally,
    wallets: Sequence[Mapping[str, Account]],
    *,
    decimals: Mapping[str, int],
) -> list[CurrencyTotals]:
    """Compares every account with the demo's books, and each currency's totals in and out.

    Returns:
        The totals, of all wallets by currency; what does not agree is in the tally.
    """
    expected = expected_balances(plan.deposits, tally.ended)
    totals = []
    for currency in CURRENCIES:
        digits = decimals[currency]
        in_wallets = held = 0
        for user, wallet in enumerate(wallets):
            account = wallet[currency]
            balance = as_minor(account.balance, digits)
            in_wallets += balance
            held += as_minor(account.held, digits)
            told = expected[user, currency]
            tally.check(
                WALLET,
                holds=balance == told,
                problem=f"user {user} has {account.balance} {currency},"
                f" must have {as_text(told, digits)}",
            )
        totals.append(_totals(plan, tally, currency, in_wallets=in_wallets, held=held))
    return totals


def _totals(
    plan: Plan, tally: Tally, currency: str, *, in_wallets: int, held: int
) -> CurrencyTotals:
    deposited = sum(amount for (_, code), amount in plan.deposits.items() if code == currency)
    moved = sum(
        transfer.planned.amount
        for transfer in tally.ended
        if transfer.status == "completed" and transfer.planned.currency == currency
    )
    tally.check(
        CONSERVED,
        holds=deposited == in_wallets,
        problem=f"{currency}: {deposited} deposited, {in_wallets} in wallets (minor units)",
    )
    tally.check(NOTHING_HELD, holds=held == 0, problem=f"{currency}: {held} (minor units)")
    return CurrencyTotals(
        currency=currency, deposited=deposited, moved=moved, in_wallets=in_wallets, held=held
    )
