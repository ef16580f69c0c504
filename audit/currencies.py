"""Whether each currency that rows are in exists; its row is on one shard, theirs on any."""

from collections.abc import Iterable, Mapping, Sequence

from audit.findings import Findings
from audit.reader import ShardReader
from audit.report import Breach
from audit.statements import load_blocks

_FACTS = load_blocks("facts")
_NAME = "currency_known"
_SAYS = "Every currency that rows are in exists on some shard."


def declare_currencies(findings: Findings) -> None:
    """Puts the check into the report."""
    findings.declare(_NAME, _SAYS)


async def read_used(reader: ShardReader) -> Sequence[str]:
    """The currencies that a shard's rows are in, in its snapshot."""
    return [row["currency"] for row in await reader.rows(_FACTS["read_used_currencies"])]


async def read_known(reader: ShardReader) -> Sequence[str]:
    """The currencies that have their row here, as it is now: later than what uses them."""
    return [row["code"] for row in await reader.later_rows(_FACTS["read_known_currencies"])]


def check_currencies(
    used: Mapping[str, Iterable[str]], known: Mapping[str, Iterable[str]], findings: Findings
) -> None:
    """Compares what shards use with what all shards know; both are by shard."""
    all_known = {code for codes in known.values() for code in codes}
    for shard, codes in used.items():
        for code in sorted(set(codes) - all_known):
            # A shard that is away may have it.
            if not findings.unaudited:
                findings.breach(_NAME, Breach(shard, (code,), "no shard has such a currency"))
        findings.examined(_NAME, len(set(codes)))
