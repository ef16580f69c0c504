"""The checks within one shard, all in its one snapshot."""

from audit.findings import Findings
from audit.reader import ShardReader
from audit.report import BREACHES_MAX
from audit.statements import load_blocks, local_checks

_FACTS = load_blocks("facts")


def declare_local(findings: Findings) -> None:
    """Puts every local check into the report."""
    for check in local_checks():
        findings.declare(check.name, check.says)


async def check_locally(reader: ShardReader, findings: Findings) -> None:
    """Runs every local check on one shard.

    Raises:
        UnreadableError: it stopped to answer; what was found before stands.
    """
    counts = (await reader.rows(_FACTS["count_rows"]))[0]
    for check in local_checks():
        breaches = await reader.first_rows(check.sql, BREACHES_MAX + 1)
        findings.found(check.name, reader.shard.name, breaches)
        findings.examined(check.name, sum(counts[table] for table in check.examines))
