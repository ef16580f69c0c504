"""What is printed at the end."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from client import Account
from demo.books import CurrencyTotals
from demo.cast import Member
from demo.money import grouped
from demo.plan import CURRENCIES
from demo.tally import Spread, Tally, spread

_WALLETS_SHOWN = 10


def print_wallets(
    console: Console, members: Sequence[Member], wallets: Sequence[Mapping[str, Account]]
) -> None:
    """The balances of the first ten users."""
    table = _table(f"Balances of the first {min(_WALLETS_SHOWN, len(members))} users", "user")
    for currency in CURRENCIES:
        table.add_column(currency, justify="right")
    for member, wallet in list(zip(members, wallets, strict=True))[:_WALLETS_SHOWN]:
        table.add_row(member.email, *(wallet[currency].balance for currency in CURRENCIES))
    console.print(table)


def print_totals(
    console: Console, totals: Sequence[CurrencyTotals], *, decimals: Mapping[str, int]
) -> None:
    """Money in and money there, per currency."""
    table = _table("Money of this run's users", "currency")
    for column in ("deposited", "moved", "in wallets", "held", ""):
        table.add_column(column, justify="right")
    for total in totals:
        amounts = (total.deposited, total.moved, total.in_wallets, total.held)
        agrees = total.deposited == total.in_wallets and total.held == 0
        table.add_row(
            total.currency,
            *(grouped(amount, decimals[total.currency]) for amount in amounts),
            "agrees" if agrees else "DIFFERS",
            style=None if agrees else "bold red",
        )
    console.print(table)


def print_endings(console: Console, tally: Tally) -> None:
    """How the transfers ended, and how fast."""
    table = _table("How the transfers ended", "status", "reason")
    table.add_column("transfers", justify="right")
    endings = Counter((ended.status, ended.reason or "") for ended in tally.ended)
    for (status, reason), count in sorted(endings.items()):
        table.add_row(status, reason, f"{count:,}")
    console.print(table)
    print(
        f"{len(tally.ended):,} transfers in {tally.elapsed_s:.1f} s: {tally.rate:,.0f} per second."
    )
    _print_latency("Accepted (a request's round trip)", spread(tally.accept_s))
    _print_latency("Over (from held to the end)", spread(tally.over_s))


def print_checks(console: Console, tally: Tally) -> None:
    """What was compared, and what did not agree."""
    table = _table("Checked", "what")
    table.add_column("times", justify="right")
    for what, times in tally.checks.items():
        table.add_row(what, f"{times:,}")
    console.print(table)
    for problem in tally.problems:
        print(f"DISAGREES  {problem}")
    if tally.problems_more:
        print(f"DISAGREES  ... and {tally.problems_more:,} more")


def _print_latency(what: str, found: Spread | None) -> None:
    if found is not None:
        print(f"{what}: median {found.p50 * 1000:,.0f} ms, 99 % {found.p99 * 1000:,.0f} ms.")


def _table(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, title_justify="left", title_style="bold")
