"""`holdfast balance` and `history`."""

from collections.abc import Sequence
from typing import Annotated

import typer

from cli.errors import CommandError
from cli.options import AsJson
from cli.wallet.asking import ask_as
from cli.wallet.listing import LIMIT, MORE_NOTE, page_size, taken
from cli.wallet.options import All, As, Gateway, Limit, Time
from cli.wallet.shown import exactly_when, json_of, print_json, print_table
from client import Account, Entry, EntryChain, EntryKind, PastBalance, Session

_OneCurrency = Annotated[
    str, typer.Argument(metavar="CURRENCY", help="Only this one.", show_default=False)
]


def balance_command(
    currency: _OneCurrency = "",
    *,
    at: Time = None,
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Shows the balances of the wallet, now or as they were at a time."""

    async def look(session: Session) -> list[Account] | list[PastBalance]:
        if currency and at is None:
            return [await session.wallet.balance(currency)]
        if currency and at is not None:
            return [await session.wallet.balance_at(currency, at)]
        accounts = list((await session.wallet.get()).accounts.values())
        if at is None:
            return accounts
        return [await session.wallet.balance_at(one.currency, at) for one in accounts]

    accounts = ask_as(look, email=email, gateway=gateway)
    if as_json:
        print_json({"accounts": [json_of(account) for account in accounts]})
    elif not accounts:
        print("Nothing yet: `holdfast deposit AMOUNT CURRENCY` begins.")
    else:
        _print_accounts(accounts)


def history_command(  # noqa: PLR0913 - options of a command, by name
    *,
    currency: Annotated[str, typer.Option(help="Only this one.")] = "",
    kind: Annotated[EntryKind | None, typer.Option(help="Only this one.")] = None,
    since: Time = None,
    until: Time = None,
    limit: Limit = LIMIT,
    everything: All = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compute the hash of each entry anew.")
    ] = False,
    email: As = "",
    gateway: Gateway = "",
    as_json: AsJson = False,
) -> None:
    """Shows the entries of the wallet, newest first, each with the balance that it left.

    With --verify it exits with 1 when an entry is not what its hash says, or does not follow the
    one before it; with --all, too, also when one is missing at the beginning.
    """
    if verify and kind is not None:
        raise CommandError("--verify needs every entry between two: leave --kind out")

    async def look(session: Session) -> tuple[list[Entry], str]:
        listing = session.entries.list(
            currency=currency or None,
            kind=kind,
            since=since,
            until=until,
            limit=page_size(limit, everything=everything),
        )
        entries, more = await taken(listing, limit=limit, everything=everything)
        if not verify:
            return entries, MORE_NOTE if more else ""
        is_whole = not more and since is None
        return entries, _verified(entries, user_id=session.user_id, is_whole=is_whole)

    entries, note = ask_as(look, email=email, gateway=gateway)
    if as_json:
        print_json([json_of(entry) for entry in entries])
        return
    if not entries:
        print("No such entries.")
    else:
        _print_entries(entries)
    if note:
        print(note)


def _verified(entries: Sequence[Entry], *, user_id: str, is_whole: bool) -> str:
    """What was verified.

    Raises:
        client.BrokenChainError: an entry is not what its hash says.
    """
    chain = EntryChain(user_id)
    for entry in entries:
        chain.see(entry)
    if is_whole:
        chain.end()
    whole = ", from the first of each account" if is_whole else ", those that are shown"
    return f"OK: {chain.entries:,} entries verified{whole}."


def _print_accounts(accounts: Sequence[Account] | Sequence[PastBalance]) -> None:
    rows = [(one.currency, *_amounts(one)) for one in accounts]
    past = ("currency", ">balance", "at (UTC)")
    now = ("currency", ">balance", ">held", ">available")
    print_table(now if isinstance(accounts[0], Account) else past, rows)


def _amounts(account: Account | PastBalance) -> tuple[str, ...]:
    if isinstance(account, PastBalance):
        return account.balance, exactly_when(account.at)
    return account.balance, account.held, account.available


def _print_entries(entries: Sequence[Entry]) -> None:
    print_table(
        (">seq", "at (UTC)", "kind", ">amount", ">balance", ""),
        [
            (
                str(entry.seq),
                exactly_when(entry.at),
                entry.kind,
                entry.amount,
                entry.balance_after,
                entry.currency,
                entry.counterparty or "",
                entry.transfer_id or "",
            )
            for entry in entries
        ],
        ids=("counterparty", "transfer"),
    )
