"""What a shard holds in total; reported, and compared when nothing moves."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from audit.reader import ShardReader
from audit.report import OpenTransfer, Totals
from audit.statements import load_blocks

_SQL = load_blocks("facts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One shard's totals, all of its snapshot. `money` is by part and currency."""

    money: Mapping[str, Counter[str]]
    transfers: Counter[str]
    oldest_open: OpenTransfer | None
    open_dead_letters: int
    fingerprint: str


async def read_summary(reader: ShardReader) -> Summary:
    """Reads the totals of one shard in its snapshot.

    Raises:
        UnreadableError: it stopped to answer.
    """
    totals = await reader.rows(_SQL["read_totals"])
    oldest = await reader.rows(_SQL["read_oldest_open"])
    return Summary(
        money={
            part: Counter({row["currency"]: int(row[part]) for row in totals})
            for part in ("deposited", "withdrawn", "in_wallets", "held")
        },
        transfers=Counter(
            {row["status"]: row["transfers"] for row in await reader.rows(_SQL["count_transfers"])}
        ),
        oldest_open=OpenTransfer(
            shard=reader.shard.name,
            id=str(oldest[0]["id"]),
            status=oldest[0]["status"],
            created_at=oldest[0]["created_at"],
        )
        if oldest
        else None,
        open_dead_letters=(await reader.rows(_SQL["count_open_dead_letters"]))[0][0],
        fingerprint=(await reader.rows(_SQL["read_fingerprint"]))[0][0],
    )


async def read_fingerprint(reader: ShardReader) -> str:
    """The fingerprint of a shard as it is now."""
    rows = await reader.later_rows(_SQL["read_fingerprint"])
    fingerprint: str = rows[0][0]
    return fingerprint


def add_up(summaries: Iterable[Summary], transit: Mapping[str, int]) -> tuple[Totals, ...]:
    """The totals of all shards, by currency."""
    parts: dict[str, Counter[str]] = {
        part: Counter() for part in ("deposited", "withdrawn", "in_wallets", "held")
    }
    for summary in summaries:
        for part, amounts in summary.money.items():
            # Not `+=`, which drops what is not above zero.
            parts[part].update(amounts)
    currencies = set(transit).union(*parts.values())
    return tuple(
        Totals(
            currency=currency,
            deposited=parts["deposited"][currency],
            withdrawn=parts["withdrawn"][currency],
            in_wallets=parts["in_wallets"][currency],
            held=parts["held"][currency],
            in_transit=transit.get(currency, 0),
        )
        for currency in sorted(currencies)
    )


def oldest_of(summaries: Iterable[Summary]) -> OpenTransfer | None:
    """The open transfer that has waited longest."""
    open_ = (summary.oldest_open for summary in summaries if summary.oldest_open is not None)
    return min(open_, key=lambda transfer: transfer.created_at, default=None)
