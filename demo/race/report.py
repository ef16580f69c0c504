"""What is printed of a race."""

from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from demo.money import grouped
from demo.race.plan import AMOUNT_MINOR, CURRENCY, DECIMALS, Plan
from demo.race.totals import Totals

_FIGURES: tuple[tuple[str, Callable[[Totals], str]], ...] = (
    ("deposited", lambda totals: shown(totals.deposited)),
    ("accepted", lambda totals: f"{totals.accepted:,}"),
    ("refused", lambda totals: f"{totals.refused:,}"),
    ("paid out", lambda totals: shown(totals.paid_out)),
    ("sent to the payee", lambda totals: shown(totals.sent)),
    ("arrived at the payee", lambda totals: shown(totals.payee_balance)),
    ("balance in the end", lambda totals: shown(totals.balance)),
    ("its entries add up to", lambda totals: shown(totals.entries)),
    ("money made from nothing", lambda totals: shown(totals.made)),
)


def shown(minor: int) -> str:
    """An amount for people, which may be negative."""
    return f"{'-' if minor < 0 else ''}{grouped(abs(minor), DECIMALS)}"


def print_race(console: Console, plan: Plan, *, unlocked: Totals, real: Totals) -> None:
    """Both side by side, and what one sees."""
    table = Table(
        CURRENCY,
        title=f"{len(plan.requests)} times {shown(AMOUNT_MINOR)}, with money for {plan.affordable}",
        title_justify="left",
        title_style="bold",
    )
    table.add_column("without a lock", justify="right")
    table.add_column("Holdfast", justify="right")
    for name, figure in _FIGURES:
        table.add_row(name, figure(unlocked), figure(real))
    console.print(table)
    console.print(told(plan, unlocked=unlocked, real=real), soft_wrap=True, highlight=False)


def told(plan: Plan, *, unlocked: Totals, real: Totals) -> str:
    """One sentence of what one sees."""
    if not real.is_right(plan):
        return "HOLDFAST IS WRONG: the right column does not add up."
    if unlocked.made <= 0:
        return "NOT CAUGHT: without a lock no money was made from nothing this time."
    return (
        f"There was money for {plan.affordable} of {len(plan.requests)} requests: without a lock"
        f" {unlocked.accepted} were accepted, and {shown(unlocked.made)} {CURRENCY} came from"
        f" nothing; Holdfast accepted {real.accepted}, and made and lost not a cent."
    )
