"""Code and schema say the same: closed sets, status changes, and what the migrations add up to."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import StrEnum
from itertools import product
from uuid import UUID

import asyncpg
import pytest

from devstack.postgres import PostgresServer
from sagas.states import TERMINAL, TRANSITIONS, Reason, Status
from shards.book_rows import CONTRA_OF, EntryKind
from shards.connection import Connection
from shards.dead_letters import LetterStatus, ReasonClass
from shards.holds import HoldStatus
from shards.movements import MovementKind
from shards.transfers import StaleStatusError, StatusChange, change_statuses
from shards.users import UserStatus
from shards.verdicts import VerdictKind
from shards.writes import write_together
from tests.databases import TEMPLATE
from tests.integration import schema_text

DEFINITION = """
    SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1
"""
INSERT = """
    INSERT INTO transfers
        (id, bucket, payer_id, payee_id, currency, amount, status, reason, caller, idempotency_key,
         fingerprint, traceparent, attempts, next_attempt_at, created_at, expires_at, debited_at,
         ended_at)
    VALUES ($1, 0, $1, gen_random_uuid(), 'EUR', 1, $2, $3, '', '', '', '', 0, $4, now(), now(),
            $5, $6)
"""
ROW = UUID(int=1)
NOW = datetime(2026, 1, 31, tzinfo=UTC)
# (before, after) of every change of a row that is there.
CHANGES = {(before, after) for (before, _), after in TRANSITIONS.items() if before is not None}


@pytest.fixture
def template(postgres: PostgresServer) -> str:
    """A freshly migrated database, only to read."""
    return postgres.dsn(TEMPLATE)


async def named_in(template: str, constraint: str) -> set[str]:
    """The texts that a CHECK names."""
    conn = await asyncpg.connect(template)
    try:
        definition: str = await conn.fetchval(DEFINITION, constraint)
    finally:
        await conn.close()
    return set(re.findall(r"'([^']*)'::text", definition))


async def test_the_schema_is_the_one_that_is_written_down(template: str):
    assert await schema_text.schema_text(template) == schema_text.PATH.read_text("utf-8")


@pytest.mark.parametrize(
    ("constraint", "members"),
    [
        ("transfers_status", Status),
        ("holds_status", HoldStatus),
        ("users_status", UserStatus),
        ("verdicts_verdict", VerdictKind),
        ("movements_kind", MovementKind),
        ("dead_letters_status", LetterStatus),
        ("dead_letters_reason_class", ReasonClass),
    ],
)
async def test_a_closed_set_has_the_same_members_in_code_and_schema(
    template: str, constraint: str, members: type[StrEnum]
):
    assert await named_in(template, constraint) == set(members)


async def test_entry_kinds_and_their_contras_are_those_of_the_code(template: str):
    assert await named_in(template, "entries_kind") == set(EntryKind) | set(CONTRA_OF.values())


@pytest.mark.parametrize(
    ("constraint", "statuses"),
    [
        ("transfers_due_while_open", set(Status) - TERMINAL),
        ("transfers_ended_when_over", set(Status) - TERMINAL),
        ("transfers_debited_when_debited", {"debited", "completed", "refunded"}),
        ("transfers_reason_when_not_completed", TERMINAL - {"completed"}),
    ],
)
async def test_a_column_that_follows_the_status_follows_the_state_machine(
    template: str, constraint: str, statuses: set[str]
):
    assert await named_in(template, constraint) == statuses


# --- every change of status against the compare-and-set, on every status


async def insert(conn: Connection, status: Status) -> None:
    """A row that is legal in its status."""
    over = status in TERMINAL
    debited = status in ("debited", "completed", "refunded")
    await conn.execute(
        INSERT,
        ROW,
        status,
        reason_of(status),
        None if over else NOW,
        NOW if debited else None,
        NOW if over else None,
    )


def reason_of(status: Status) -> Reason | None:
    return None if status in ("held", "debited", "completed") else Reason.EXPIRED


async def try_change(conn: Connection, before: Status, after: Status) -> str:
    """What becomes of a change: `done`, `stale`, or the CHECK that refuses it."""
    change = StatusChange(
        id=ROW,
        before=before,
        after=after,
        reason=reason_of(after),
        at=NOW,
        next_attempt_at=None if after in TERMINAL else NOW,
    )
    try:
        await write_together(conn, change_statuses([change]))
    except StaleStatusError:
        return "stale"
    except asyncpg.CheckViolationError as error:
        return str(error.constraint_name)
    return "done"


@asynccontextmanager
async def scratch(template: str) -> AsyncIterator[Connection]:
    """A transaction that is never committed."""
    conn = await asyncpg.connect(template)
    try:
        await conn.execute("BEGIN")
        yield conn
    finally:
        await conn.close()


async def outcome(conn: Connection, current: Status, before: Status, after: Status) -> str:
    """What becomes of a change that was decided on `before` when the row is at `current`."""
    await conn.execute("SAVEPOINT one")
    await insert(conn, current)
    became = await try_change(conn, before, after)
    if became != "done":
        await conn.execute("ROLLBACK TO one")
        await insert(conn, current)
    row = await conn.fetchval("SELECT status FROM transfers WHERE id = $1", ROW)
    assert row == (after if became == "done" else current)
    await conn.execute("ROLLBACK TO one")
    return became


async def test_a_change_is_made_from_the_status_it_was_decided_on_and_from_no_other(
    template: str,
):
    async with scratch(template) as conn:
        became = {
            (current, before, after): await outcome(conn, current, before, after)
            for current, (before, after) in product(Status, CHANGES)
        }

    assert became == {
        (current, before, after): "done" if current is before else "stale"
        for current, before, after in became
    }


async def test_the_schema_refuses_what_would_lose_or_mint_money_whoever_decided_it(template: str):
    debit_or_end = {Status.DEBITED, Status.COMPLETED, Status.REFUNDED}
    illegal = {
        (before, after)
        for before, after in product(Status, Status)
        # From having no debit to its end, or from a debit to having none.
        if (after in debit_or_end - {Status.DEBITED} and before not in debit_or_end)
        or (before in debit_or_end and after not in debit_or_end)
    }

    async with scratch(template) as conn:
        became = {pair: await outcome(conn, pair[0], *pair) for pair in illegal}

    assert became == dict.fromkeys(illegal, "transfers_debited_when_debited")
