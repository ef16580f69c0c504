"""Decodable amounts: transfers of 4^i to one payee, whose sum tells how often each arrived.

The digits of the sum in base 4 are the counts: 0, 1, or the bug, 2.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from reliability.checker.findings import Findings
from reliability.checker.history import AccountKey, History, Key
from reliability.checker.invariants import Invariant
from reliability.checker.ledger import SQL, Ledger
from reliability.history import TAG_POWERS, AskTransfer

# A digit of base 4 tells counts up to this apart.
_COUNT_MAX = 3


@dataclass(slots=True)
class _Group:
    """What goes to one payee in one currency, by its exponent."""

    payers: set[str] = field(default_factory=set)
    asked: Counter[int] = field(default_factory=Counter)
    completed: Counter[int] = field(default_factory=Counter)
    others: int = 0
    problem: str | None = None


async def check_powers(history: History, ledger: Ledger, findings: Findings) -> None:
    """Decodes what each payee got, and compares the counts with the transfers.

    Raises:
        UnreadableError: a shard stopped to answer.
    """
    groups = _groups(history, ledger)
    credits_ = await _read_credits(ledger, sorted({payee for payee, _ in groups}))
    for (payee, currency), group in groups.items():
        if group.problem is not None:
            findings.cannot(f"powers to {payee} cannot be decoded: {group.problem}")
            continue
        findings.examine(Invariant.POWERS_COUNTED, sum(group.asked.values()))
        got = sum(credits_[payee, currency][payer] for payer in group.payers) - group.others
        due = sum(4**exponent * count for exponent, count in group.completed.items())
        if got != due:
            findings.violated(
                Invariant.POWERS_COUNTED,
                f"{payee} {currency}",
                expected=f"{due}: {tell_digits(due)}",
                found=f"{got}: {tell_digits(got)}",
                shard=ledger.shard_of(payee),
            )


def _groups(history: History, ledger: Ledger) -> dict[AccountKey, _Group]:
    groups: dict[AccountKey, _Group] = defaultdict(_Group)
    tagged: set[Key] = set()
    for key, ops in history.requests.items():
        ask = ops[0].ask
        if isinstance(ask, AskTransfer) and ask.tag == TAG_POWERS:
            tagged.add(key)
            _add_power(groups[ask.payee, ask.currency], ask, completed=_is_completed(key, ledger))
    for row in ledger.rows:
        group = groups.get((row.payee or "", row.currency))
        is_other = row.is_transfer and row.status == "completed" and row.key_of not in tagged
        if group is not None and is_other and row.user in group.payers:
            group.others += row.amount
    return groups


def _add_power(group: _Group, ask: AskTransfer, *, completed: bool) -> None:
    exponent = (ask.amount.bit_length() - 1) // 2
    group.payers.add(ask.payer)
    group.asked[exponent] += 1
    group.completed[exponent] += completed
    if 4**exponent != ask.amount:
        group.problem = f"{ask.amount} is no power of 4"
    elif group.asked[exponent] > _COUNT_MAX:
        group.problem = f"4^{exponent} was sent more than {_COUNT_MAX} times"


def _is_completed(key: Key, ledger: Ledger) -> bool:
    return any(row.status == "completed" for row in ledger.by_key.get(key, ()))


async def _read_credits(ledger: Ledger, payees: list[str]) -> dict[AccountKey, Counter[str]]:
    """What each payee got from each payer."""
    found: dict[AccountKey, Counter[str]] = defaultdict(Counter)
    for reader in ledger.readers if payees else ():
        for row in await reader.rows(SQL["sum_credits"], payees):
            account = found[row["user_id"], row["currency"]]
            account[row["counterparty_id"]] += int(row["amount"])
    return found


def tell_digits(total: int) -> str:
    """The digits of a total in base 4, as counts of powers."""
    if total < 0:
        return "less than nothing"
    counts = []
    for exponent in range((total.bit_length() + 1) // 2):
        count = total >> 2 * exponent & 3
        if count:
            counts.append(f"4^{exponent} {'once' if count == 1 else f'{count} times'}")
    return ", ".join(counts) or "nothing"
