"""What the rows must say after a crash point, to the cent."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from reliability.crashpoints.points import Aftermath
from reliability.crashpoints.scenarios import NO_TRANSFER, Scenario
from reliability.simulation.wires import Database

_LOSES_LETTERS = (Aftermath.REDRIVEN, Aftermath.ABANDONED)


async def objections(
    databases: Sequence[Database],
    scenario: Scenario,
    aftermath: Aftermath | None,
    *,
    told_movements: int,
    users: tuple[UUID, UUID],
) -> list[str]:
    """Everything that differs from the run without a fault, as far as it may not.

    Args:
        databases: of the world that has come to rest.
        scenario: what was run.
        aftermath: what followed the fault; None if there was none.
        told_movements: deposits that the client was told of.
        users: payer and payee.
    """
    is_abandoned = aftermath is Aftermath.ABANDONED
    transfers = await _rows(databases, "SELECT status, amount FROM transfers")
    deposits = await _rows(databases, "SELECT amount FROM movements")
    found = []
    ended = [row["status"] for row in transfers] or [NO_TRANSFER]
    allowed = {scenario.ends} | (scenario.ends_if_abandoned if is_abandoned else set())
    if len(ended) > 1 or ended[0] not in allowed:
        found.append(f"transfers ended {ended}, and one should be one of {sorted(allowed)}")
    if not told_movements <= len(deposits) <= told_movements + is_abandoned:
        found.append(f"{len(deposits)} deposits, and the client was told of {told_movements}")
    paid = sum(row["amount"] for row in transfers if row["status"] == "completed")
    expected = dict(zip(users, (sum(row["amount"] for row in deposits) - paid, paid), strict=True))
    for account in await _rows(databases, "SELECT user_id, balance, held FROM accounts"):
        due = expected.pop(account["user_id"], 0)
        if (account["balance"], account["held"]) != (due, 0):
            found.append(f"an account is not at {due}: {dict(account)}")
    found += [f"{user} has no account, and {due} is due" for user, due in expected.items() if due]
    letters = await _rows(databases, "SELECT reason FROM dead_letters")
    letters_min = 0 if aftermath in _LOSES_LETTERS else scenario.letters
    if not letters_min <= len(letters) <= scenario.letters:
        found.append(f"{len(letters)} dead letters, and {scenario.letters} should be there")
    acts = await _rows(databases, "SELECT act FROM operator_acts")
    acts_min = 0 if is_abandoned else scenario.acts
    if not acts_min <= len(acts) <= scenario.acts:
        found.append(f"{len(acts)} acts, and {scenario.acts} should be there")
    return found


async def _rows(databases: Sequence[Database], query: str) -> list[dict[str, Any]]:
    return [dict(row) for database in databases for row in await database.rows(query)]
