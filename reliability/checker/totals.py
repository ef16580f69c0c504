"""Exact totals while everything stands still, and what must be so after the end."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from audit.reader import ShardReader
from audit.statements import load_blocks
from reliability.checker.findings import ALL_SHARDS, VIOLATIONS_MAX, Findings
from reliability.checker.invariants import Invariant

_SQL = load_blocks("totals", package="reliability.checker")
_FACTS = load_blocks("facts")


@dataclass(slots=True)
class _Sums:
    """Per currency: what wallets have, and the other sides of entries; per shard, what is held."""

    balances: Counter[str] = field(default_factory=Counter)
    external: Counter[str] = field(default_factory=Counter)
    through: Counter[str] = field(default_factory=Counter)
    held: Counter[tuple[str, str]] = field(default_factory=Counter)
    reserved: Counter[tuple[str, str]] = field(default_factory=Counter)


async def check_frozen(readers: Sequence[ShardReader], findings: Findings) -> None:
    """Adds up what all shards have; exact, because nothing may have moved meanwhile.

    Args:
        readers: all shards.
        findings: takes the violations; also that something did move, which proves nothing.

    Raises:
        UnreadableError: a shard stopped to answer.
    """
    sums = _Sums()
    for reader in readers:
        await _add_up(reader, sums)
    transit = await _in_transit(readers)
    if await _has_moved(readers):
        findings.cannot("something moved while totals were read: freeze it, or wait for its end")
        return
    balances, external, through = sums.balances, sums.external, sums.through
    for currency in sorted(balances.keys() | external.keys() | through.keys() | transit.keys()):
        findings.examine(Invariant.FROZEN_TOTAL)
        # What came from outside is minus as much there.
        total = balances[currency] + transit[currency] - external[currency]
        if total != 0:
            findings.violated(
                Invariant.FROZEN_TOTAL,
                currency,
                expected=f"{external[currency]} from outside",
                found=f"{balances[currency]} in wallets and {transit[currency]} in transit",
                shard=ALL_SHARDS,
            )
        findings.examine(Invariant.FROZEN_TRANSIT)
        if -through[currency] != transit[currency]:
            findings.violated(
                Invariant.FROZEN_TRANSIT,
                currency,
                expected=f"{transit[currency]} debited without a credit",
                found=f"{-through[currency]} taken out by entries and put in nowhere",
                shard=ALL_SHARDS,
            )
    for shard, currency in sorted(sums.held.keys() | sums.reserved.keys()):
        findings.examine(Invariant.FROZEN_HELD)
        held, reserved = sums.held[shard, currency], sums.reserved[shard, currency]
        if held != reserved:
            findings.violated(
                Invariant.FROZEN_HELD,
                currency,
                expected=f"{reserved} that transfers and holds reserve",
                found=f"{held} held",
                shard=shard,
            )


async def _add_up(reader: ShardReader, sums: _Sums) -> None:
    shard = reader.shard.name
    for row in await reader.rows(_SQL["sum_accounts"]):
        sums.balances[row["currency"]] += int(row["balance"])
        sums.held[shard, row["currency"]] = int(row["held"])
    for row in await reader.rows(_SQL["sum_reserved"]):
        sums.reserved[shard, row["currency"]] = int(row["amount"])
    for row in await reader.rows(_SQL["sum_entries"]):
        side = sums.external if row["contra"] == "external" else sums.through
        side[row["currency"]] += int(row["amount"])


async def check_ended(readers: Sequence[ShardReader], findings: Findings) -> None:
    """After the drain nothing is open that should be over, and nothing is held for it.

    Raises:
        UnreadableError: a shard stopped to answer.
    """
    for reader in readers:
        shard = reader.shard.name
        findings.examine(Invariant.ALL_ENDED)
        for row in await reader.rows(_SQL["read_open"], VIOLATIONS_MAX + 1):
            findings.violated(
                Invariant.ALL_ENDED,
                row["id"],
                expected="a terminal status",
                found=row["status"],
                shard=shard,
            )
        findings.examine(Invariant.NOTHING_HELD)
        for row in await reader.rows(_SQL["read_held"], VIOLATIONS_MAX + 1):
            findings.violated(
                Invariant.NOTHING_HELD,
                f"{row['user_id']} {row['currency']}",
                expected=f"{row['reserved']}, for open holds",
                found=row["held"],
                shard=shard,
            )


async def _in_transit(readers: Sequence[ShardReader]) -> Counter[str]:
    """What is debited and has no credited verdict on any shard, per currency."""
    debited = {
        row["id"]: (row["currency"], int(row["amount"]))
        for reader in readers
        for row in await reader.rows(_SQL["read_debited"])
    }
    ids = list(debited)
    credited = {
        row["id"]
        for reader in readers
        for row in (await reader.rows(_SQL["find_credited"], ids) if ids else ())
    }
    transit: Counter[str] = Counter()
    for id_, (currency, amount) in debited.items():
        if id_ not in credited:
            transit[currency] += amount
    return transit


async def _has_moved(readers: Sequence[ShardReader]) -> bool:
    """Whether a shard is not any more what its snapshot shows."""
    for reader in readers:
        now = await reader.later_rows(_FACTS["read_fingerprint"])
        if now[0][0] != (await reader.rows(_FACTS["read_fingerprint"]))[0][0]:
            return True
    return False
