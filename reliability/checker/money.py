"""The money that the history says there is, against the balances of its users."""

from collections import Counter

from reliability.checker.findings import ALL_SHARDS, Findings
from reliability.checker.history import History, Op
from reliability.checker.invariants import Invariant
from reliability.checker.ledger import Ledger, LedgerRow
from reliability.history import AskMovement, AskPart, AskTransfer, Kind


def check_money(history: History, ledger: Ledger, findings: Findings) -> None:
    """Compares both, per currency.

    What was answered counts as it was asked for; what was not answered counts if its row is there.
    """
    given: Counter[str] = Counter()
    for key, ops in history.requests.items():
        rows = ledger.by_key.get(key, [])
        effective = _effective(ops, rows)
        if effective is not None:
            currency, amount = _change(effective, rows, history)
            given[currency] += amount
    found: Counter[str] = Counter()
    for (user, currency), account in ledger.accounts.items():
        if user in history.users:
            found[currency] += account.balance
    for currency in sorted(given.keys() | found.keys()):
        findings.examine(Invariant.HISTORY_TOTAL)
        if given[currency] != found[currency]:
            findings.violated(
                Invariant.HISTORY_TOTAL,
                currency,
                expected=str(given[currency]),
                found=str(found[currency]),
                shard=ALL_SHARDS,
            )


def _effective(ops: list[Op], rows: list[LedgerRow]) -> Op | None:
    """The request that had the key's effect, if any had."""
    accepted = next((op for op in ops if op.is_accepted), None)
    if accepted is not None and isinstance(accepted.ask, AskMovement):
        return accepted
    if all(row.status != "completed" for row in rows):
        return None
    return accepted or next((op for op in ops if not op.is_refused), None)


def _change(op: Op, rows: list[LedgerRow], history: History) -> tuple[str, int]:
    """What a request that had its effect changed in all that the users of the history have."""
    match op.ask:
        case AskMovement(kind=Kind.DEPOSIT) as ask:
            return ask.currency, ask.amount
        case AskMovement() as ask:
            return ask.currency, -ask.amount
        case AskTransfer() as ask:
            return ask.currency, 0 if ask.payee in history.users else -ask.amount
        case AskPart() as ask:
            amount = sum(row.amount for row in rows if row.status == "completed")
            return ask.currency, 0 if ask.payee in history.users else -amount
        case ask:
            raise AssertionError(f"{ask} moves nothing")
