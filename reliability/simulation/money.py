"""What everybody must have by what they were told: balances, holds, refunds, from no account."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from reliability.simulation.heard import Heard, Kind
from reliability.simulation.wires import Database

_ACCOUNTS = "SELECT user_id, balance::bigint AS balance, held::bigint AS held FROM accounts"
_EXPIRED = "SELECT id, expires_at FROM holds WHERE status = 'open' AND expires_at <= app_now()"
# Statuses in which money has left, or is under way.
_OUT = ("held", "debited", "completed")
_PAYMENTS = (Kind.TRANSFER, Kind.CAPTURE, Kind.REFUND)
Row = Mapping[str, Any]


async def objections_to_money(
    databases: Sequence[Database], heard: Heard, rows: Sequence[Row]
) -> list[str]:
    """Accounts that are not what the clients' answers come to, and holds that should be over.

    Args:
        databases: opened, and at rest.
        heard: of all clients; the amounts they were told count, and rows where they were not.
        rows: of `read_answerable`.
    """
    amounts = {told.id: told.amount for told in heard.told}
    counted = [{**row, "amount": amounts.get(row["id"], row["amount"])} for row in rows]
    accounts = [row for database in databases for row in await database.rows(_ACCOUNTS)]
    expired = [row for database in databases for row in await database.rows(_EXPIRED)]
    balances, held = _balances(counted), _held(counted)
    found = [
        f"{user} has {account['balance']}, held {account['held']}; by what was told it is"
        f" {balances[user]}, held {held[user]}"
        for account in accounts
        if (account["balance"], account["held"])
        != (balances[user := account["user_id"]], held[user])
    ]
    missing = {user for user, balance in balances.items() if balance}
    missing -= {account["user_id"] for account in accounts}
    found += [f"{user} has no account, and {balances[user]} is due" for user in missing]
    found += [f"an open hold should be over: {dict(row)}" for row in expired]
    return found + _beyond(counted, Kind.CAPTURE) + _beyond(counted, Kind.REFUND)


def _balances(rows: Sequence[Row]) -> Counter[UUID]:
    balances: Counter[UUID] = Counter()
    for row in rows:
        is_completed = row["status"] == "completed"
        if row["kind"] in _PAYMENTS:
            balances[row["wallet"]] -= row["amount"] * (is_completed or row["status"] == "debited")
            balances[row["payee"]] += row["amount"] * is_completed
        elif row["kind"] != Kind.HOLD:
            sign = 1 if row["kind"] == Kind.DEPOSIT else -1
            balances[row["wallet"]] += sign * row["amount"] * is_completed
    return balances


def _held(rows: Sequence[Row]) -> Counter[UUID]:
    held: Counter[UUID] = Counter()
    open_holds = {row["id"] for row in rows if row["status"] == "open"}
    for row in rows:
        if row["status"] in ("held", "open"):
            held[row["wallet"]] += row["amount"]
        elif row["of"] in open_holds and row["status"] != "rejected":
            # A capture, also one whose money came back: that does not open its hold again.
            held[row["wallet"]] -= row["amount"]
    return held


def _beyond(rows: Sequence[Row], kind: Kind) -> list[str]:
    """What more was taken of than there is: holds by captures, transfers by refunds."""
    taken: Counter[UUID] = Counter()
    for row in rows:
        # A capture that was returned was one; a refund that was returned may be asked for again.
        counts = row["status"] in _OUT or (kind is Kind.CAPTURE and row["status"] == "refunded")
        if row["kind"] == kind and counts:
            taken[row["of"]] += row["amount"]
    return [
        f"{kind}s of {taken[row['id']]}, and it was {row}"
        for row in rows
        if taken[row["id"]] > row["amount"]
    ]
