"""What must not get into a log, and who may look at one."""

import asyncpg
import structlog

from config.logging import configure_logging, without_row_details

ROW = "Failing row contains (alice@example.com, 1000000)."


def test_an_error_of_postgresql_does_not_quote_its_row():
    error = asyncpg.CheckViolationError("new row violates accounts_held_within_balance")
    error.detail = ROW

    event = without_row_details(None, "error", {"event": "step.bug", "exception": str(error)})

    assert "alice@example.com" in str(error)
    assert event["exception"] == "new row violates accounts_held_within_balance"


def test_a_logger_that_was_used_before_another_configuration_can_still_be_looked_at():
    log = structlog.get_logger("tests")
    log.info("used")
    configure_logging(level="critical", format_="console")
    configure_logging(level="warning", format_="console")

    with structlog.testing.capture_logs() as logs:
        log.warning("looked.at")

    assert [line["event"] for line in logs] == ["looked.at"]
