"""What must not get into a log."""

import asyncpg

from config.logging import without_row_details

ROW = "Failing row contains (alice@example.com, 1000000)."


def test_an_error_of_postgresql_does_not_quote_its_row():
    error = asyncpg.CheckViolationError("new row violates accounts_held_within_balance")
    error.detail = ROW

    event = without_row_details(None, "error", {"event": "step.bug", "exception": str(error)})

    assert "alice@example.com" in str(error)
    assert event["exception"] == "new row violates accounts_held_within_balance"
