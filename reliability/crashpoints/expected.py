"""What must have come of a crash point; that the money fits it is for the verdict on every run."""

from collections.abc import Iterable, Sequence
from typing import Any

from reliability.crashpoints.points import Aftermath
from reliability.crashpoints.scenario import NONE, End, Scenario
from reliability.simulation.wires import Database

_LOSES_LETTERS = (Aftermath.REDRIVEN, Aftermath.ABANDONED)


async def objections(
    databases: Sequence[Database],
    scenario: Scenario,
    aftermath: Aftermath | None,
    *,
    told_movements: int,
) -> list[str]:
    """Everything that differs from the run without a fault, as far as it may not.

    Args:
        databases: of the world that has come to rest.
        scenario: what was run.
        aftermath: what followed the fault; None if there was none.
        told_movements: deposits that the client was told of.
    """
    is_abandoned = aftermath is Aftermath.ABANDONED
    found = []
    ended = await _end(databases)
    allowed = {scenario.ends} | (scenario.ends_if_abandoned if is_abandoned else set())
    if ended not in allowed:
        found.append(f"it ended as {ended}, and should as one of {allowed}")
    movements = await _rows(databases, "SELECT FROM movements")
    if not told_movements <= len(movements) <= told_movements + is_abandoned:
        found.append(f"{len(movements)} deposits, and the client was told of {told_movements}")
    letters = await _rows(databases, "SELECT FROM dead_letters")
    letters_min = 0 if aftermath in _LOSES_LETTERS else scenario.letters
    if not letters_min <= len(letters) <= scenario.letters:
        found.append(f"{len(letters)} dead letters, and {scenario.letters} should be there")
    return found


async def _end(databases: Sequence[Database]) -> End:
    transfers = await _rows(databases, "SELECT status, refund_of FROM transfers")
    holds = await _rows(databases, "SELECT status, captured FROM holds")
    limits = await _rows(
        databases, "SELECT daily_limit FROM accounts WHERE daily_limit IS NOT NULL"
    )
    return End(
        transfer=_only(row["status"] for row in transfers if row["refund_of"] is None),
        refund=_only(row["status"] for row in transfers if row["refund_of"] is not None),
        hold=_only(row["status"] for row in holds),
        captured=sum(int(row["captured"]) for row in holds),
        limit=sum(int(row["daily_limit"]) for row in limits) if limits else None,
        acts=len(await _rows(databases, "SELECT FROM operator_acts")),
    )


def _only(statuses: Iterable[str]) -> str:
    """The one status; more of them are no status that may be."""
    return " and ".join(statuses) or NONE


async def _rows(databases: Sequence[Database], query: str) -> list[dict[str, Any]]:
    return [dict(row) for database in databases for row in await database.rows(query)]
