"""Where the money of each hold went, as entries have it: nothing of it is lost or doubled."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from reliability.checker.findings import Findings
from reliability.checker.invariants import Invariant
from reliability.checker.ledger import SQL, Ledger
from reliability.history import Kind

_AT_ONCE = 5_000


async def check_hold_money(ledger: Ledger, findings: Findings) -> None:
    """Adds up what the captures of each hold moved; for the end, when all captures are over.

    Raises:
        UnreadableError: a shard stopped to answer.
    """
    captures = {row.id: row.part_of for row in ledger.rows if row.kind == Kind.CAPTURE}
    moved: dict[str | None, Counter[str]] = defaultdict(Counter)
    ids = list(captures)
    for begin in range(0, len(ids), _AT_ONCE):
        for kind, transfer, amount in await _legs(ledger, ids[begin : begin + _AT_ONCE]):
            moved[captures[transfer]][kind] += amount
    for row in ledger.rows:
        if row.kind != Kind.HOLD:
            continue
        legs = moved[row.id]
        out, in_, back = -legs["transfer_out"], legs["transfer_in"], legs["transfer_return"]
        findings.examine(Invariant.HOLD_ADDS_UP)
        if not in_ + back == out == row.captured:
            findings.violated(
                Invariant.HOLD_ADDS_UP,
                row.id,
                expected=f"{row.captured} of {row.amount} captured, {row.status}",
                found=f"{out} taken, of which {in_} arrived and {back} came back",
                shard=row.shard,
            )


async def _legs(ledger: Ledger, ids: Sequence[str]) -> list[tuple[str, str, int]]:
    """Kind, transfer and amount of what these transfers moved, on all shards."""
    return [
        (row["kind"], row["transfer_id"], int(row["amount"]))
        for reader in ledger.readers
        for row in await reader.rows(SQL["sum_legs"], ids)
    ]
