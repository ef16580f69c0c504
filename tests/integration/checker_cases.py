"""Runs that were tampered with, each with the invariant that must tell."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.integration.checker_books import Line, Names, told


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Statements on a shard that no constraint refuses; found by `by`, naming `id`."""

    by: str
    id: str
    sql: str
    shard: int = 0


ROWS = (
    Rows(
        by="verdict_entries",
        id="completed",
        sql="DELETE FROM entries WHERE transfer_id = '{completed}'",
        shard=1,
    ),
    Rows(
        by="replay_entries",
        id="payee",
        sql="DELETE FROM entries WHERE transfer_id = '{completed}'",
        shard=1,
    ),
    Rows(
        by="frozen_transit",
        id="EUR",
        sql="DELETE FROM entries WHERE transfer_id = '{completed}'",
        shard=1,
    ),
    Rows(
        by="verdict_entries",
        id="completed",
        sql=(
            """INSERT INTO entries SELECT (json_populate_record(entries, '{{"seq": 99}}')).*
            FROM entries WHERE transfer_id = '{completed}'"""
        ),
        shard=1,
    ),
    Rows(
        by="frozen_total",
        id="EUR",
        sql="UPDATE accounts SET balance = balance + 1 WHERE user_id = '{payee}'",
        shard=1,
    ),
    Rows(
        by="history_total",
        id="EUR",
        sql="UPDATE accounts SET balance = balance + 1 WHERE user_id = '{payee}'",
        shard=1,
    ),
    Rows(
        by="status_forward",
        id="completed",
        sql=(
            "UPDATE transfers SET status = 'refunded', reason = 'payee_closed'"
            " WHERE id = '{completed}'"
        ),
    ),
    Rows(
        by="all_ended",
        id="completed",
        sql=(
            "UPDATE transfers SET status = 'debited', ended_at = NULL, next_attempt_at = now()"
            " WHERE id = '{completed}'"
        ),
    ),
    Rows(
        by="nothing_held",
        id="payer",
        sql="UPDATE accounts SET held = 1 WHERE user_id = '{payer}'",
    ),
    Rows(
        by="end_explains",
        id="cancelled",
        sql="UPDATE transfers SET reason = 'payer_frozen' WHERE id = '{cancelled}'",
    ),
    Rows(
        by="accepted_once",
        id="payer",
        sql="DELETE FROM transfers WHERE id = '{completed}'",
    ),
    Rows(
        by="accepted_once",
        id="other",
        sql=(
            "DELETE FROM entries WHERE movement_id = '{last_deposit}'; "
            "DELETE FROM movements WHERE id = '{last_deposit}'"
        ),
    ),
    Rows(
        by="refusal_recorded",
        id="payer",
        sql="DELETE FROM transfers WHERE id = '{rejected}'",
    ),
    Rows(
        by="refused_no_row",
        id="payer",
        sql=(
            "INSERT INTO transfers SELECT (json_populate_record(transfers, json_build_object("
            "'id', gen_random_uuid(), 'idempotency_key', 'malformed'))).*"
            " FROM transfers WHERE id = '{rejected}'"
        ),
    ),
    Rows(
        by="key_one_effect",
        id="payer",
        sql=(
            "INSERT INTO transfers SELECT (json_populate_record(transfers, json_build_object("
            "'id', gen_random_uuid()))).*"
            " FROM transfers WHERE id = '{completed}'"
        ),
    ),
    Rows(
        by="row_as_asked",
        id="payer",
        sql="UPDATE transfers SET amount = amount + 1 WHERE id = '{completed}'",
    ),
    Rows(
        by="row_as_asked",
        id="payer",
        sql="UPDATE movements SET amount = amount + 1 WHERE id = '{unknown}'",
    ),
    Rows(
        by="user_kept",
        id="closing",
        sql="DELETE FROM users WHERE id = '{closing}'",
        shard=1,
    ),
    Rows(
        by="powers_counted",
        id="payee",
        sql=(
            """INSERT INTO entries SELECT (json_populate_record(entries, '{{"seq": 99}}')).*
            FROM entries WHERE transfer_id = '{power}'"""
        ),
        shard=1,
    ),
    Rows(
        by="replay_account",
        id="payee",
        sql="UPDATE accounts SET version = version + 1 WHERE user_id = '{payee}'",
        shard=1,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A history that was told otherwise; found by `by` and by nothing else, naming `id`."""

    by: str
    id: str
    edit: Callable[[list[Line], Names], None]
    also: frozenset[str] = frozenset()


def op_of(lines: list[Line], **wanted: object) -> tuple[Line, Line]:
    """The first invoke with these fields, and its answer."""
    invoke = next(line for line in lines if wanted.items() <= line.items())
    answer = next(line for line in lines if line["type"] == "answer" and line["op"] == invoke["op"])
    return invoke, answer


def reads_of(lines: list[Line], user: str) -> list[tuple[Line, Line]]:
    """All balance reads of a user, in their order."""
    asked = [line for line in lines if line.get("kind") == "read_balance" and line["user"] == user]
    return [op_of(lines, type="invoke", op=line["op"]) for line in asked]


def to_another_payee(lines: list[Line], names: Names) -> None:
    op_of(lines, key="t1")[0]["payee"] = names["other"]


def of_another_amount(lines: list[Line], names: Names) -> None:
    op_of(lines, key="d1")[0]["amount"] += 1


def another_id_the_second_time(lines: list[Line], names: Names) -> None:
    asked = [line for line in lines if line.get("key") == "d1"]
    op_of(lines, op=asked[1]["op"], type="invoke")[1]["id"] = names["last_deposit"]


def accepted_though_refused(lines: list[Line], names: Names) -> None:
    answer = op_of(lines, key="t5")[1]
    answer |= {"status": 202, "code": None, "id": names["rejected"], "transfer_status": "rejected"}


def refused_though_done(lines: list[Line], names: Names) -> None:
    answer = op_of(lines, key="w1")[1]
    answer |= {"status": 422, "code": "insufficient_funds", "id": None}


def refused_for_another_reason(lines: list[Line], names: Names) -> None:
    op_of(lines, key="t5")[1]["code"] = "payer_frozen"


def reused_key_that_nobody_used(lines: list[Line], names: Names) -> None:
    op_of(lines, key="malformed")[1]["code"] = "idempotency_key_reused"


def an_end_that_changed(lines: list[Line], names: Names) -> None:
    ask = {"kind": "read_transfer", "transfer": names["completed"], "user": names["payer"]}
    lines += told(lines, ask, {"status": 200, "transfer_status": "cancelled"})


def a_status_that_went_back(lines: list[Line], names: Names) -> None:
    ask = {"kind": "read_transfer", "transfer": names["completed"], "user": names["payer"]}
    lines += told(lines, ask, {"status": 200, "transfer_status": "held"})


def debited_and_then_cancelled(lines: list[Line], names: Names) -> None:
    ask = {"kind": "read_transfer", "transfer": names["cancelled"], "user": names["payer"]}
    at = op_of(lines, kind="cancel", transfer=names["cancelled"])[0]["at"] - 500
    lines += told(lines, ask, {"status": 200, "transfer_status": "debited"}, at=at)


def a_read_that_finds_nothing(lines: list[Line], names: Names) -> None:
    ask = {"kind": "read_transfer", "transfer": names["completed"], "user": names["payer"]}
    lines += told(lines, ask, {"status": 404, "code": "not_found"})


def a_cancel_that_is_not_the_payers(lines: list[Line], names: Names) -> None:
    ask = {"kind": "cancel", "transfer": names["completed"], "user": names["payer"]}
    lines += told(lines, ask, {"status": 403, "code": "not_payer"})


def a_cancel_that_did_nothing(lines: list[Line], names: Names) -> None:
    answer = op_of(lines, kind="cancel", transfer=names["completed"])[1]
    answer |= {"status": 200, "code": None}


def too_late_though_cancelled(lines: list[Line], names: Names) -> None:
    answer = op_of(lines, kind="cancel", transfer=names["cancelled"])[1]
    answer |= {"status": 409, "code": "already_debited"}


def a_stale_read(lines: list[Line], names: Names) -> None:
    reads = reads_of(lines, names["payer"])
    old, last = reads[0][1], reads[-1][1]
    last |= {name: old[name] for name in ("balance", "held", "version")}


def a_read_that_misses_a_deposit(lines: list[Line], names: Names) -> None:
    """Nobody had read the new version before: only the deposit's answer tells."""
    reads_of(lines, names["payer"])[1][1].update(balance=0, held=0, version=0)


def a_balance_that_never_was(lines: list[Line], names: Names) -> None:
    reads_of(lines, names["payer"])[-1][1]["balance"] += 1


def held_that_never_was(lines: list[Line], names: Names) -> None:
    reads_of(lines, names["payer"])[-1][1]["held"] += 1


def a_version_that_never_was(lines: list[Line], names: Names) -> None:
    reads_of(lines, names["payee"])[-1][1]["version"] += 1


def a_read_of_the_middle_of_a_batch(lines: list[Line], names: Names) -> None:
    """5 and 6 were reserved in one transaction: 5 alone was never to be seen."""
    reads_of(lines, names["payer"])[-2][1]["held"] = 5


def a_read_ahead_of_its_request(lines: list[Line], names: Names) -> None:
    reads = reads_of(lines, names["payer"])
    reads[0][1].update({name: reads[-1][1][name] for name in ("balance", "held", "version")})


def a_user_that_is_not_there(lines: list[Line], names: Names) -> None:
    lines.append({"type": "user", "user": names["completed"], "email": "nobody@example.com"})


TOLD = (
    Told(by="row_as_asked", id="payer", edit=to_another_payee),
    Told(by="row_as_asked", id="payer", edit=of_another_amount, also=frozenset({"history_total"})),
    Told(
        by="key_one_id",
        id="payer",
        edit=another_id_the_second_time,
        also=frozenset({"accepted_once"}),
    ),
    Told(
        by="accepted_once",
        id="payer",
        edit=accepted_though_refused,
    ),
    Told(
        by="refusal_recorded",
        id="payer",
        edit=refused_though_done,
        also=frozenset({"history_total"}),
    ),
    Told(by="refusal_recorded", id="payer", edit=refused_for_another_reason),
    Told(by="refusal_recorded", id="payer", edit=reused_key_that_nobody_used),
    Told(by="status_forward", id="completed", edit=an_end_that_changed),
    Told(by="status_forward", id="completed", edit=a_status_that_went_back),
    Told(by="status_forward", id="cancelled", edit=debited_and_then_cancelled),
    Told(by="accepted_shown", id="completed", edit=a_read_that_finds_nothing),
    Told(by="accepted_shown", id="completed", edit=a_cancel_that_is_not_the_payers),
    Told(by="end_explains", id="completed", edit=a_cancel_that_did_nothing),
    Told(by="end_explains", id="cancelled", edit=too_late_though_cancelled),
    Told(by="read_current", id="payer", edit=a_stale_read),
    Told(by="read_current", id="payer", edit=a_read_that_misses_a_deposit),
    Told(by="read_committed", id="payer", edit=a_balance_that_never_was),
    Told(by="read_committed", id="payer", edit=held_that_never_was),
    Told(by="read_committed", id="payee", edit=a_version_that_never_was),
    Told(by="read_committed", id="payer", edit=a_read_of_the_middle_of_a_batch),
    Told(
        by="read_not_early",
        id="payer",
        edit=a_read_ahead_of_its_request,
        also=frozenset({"read_current"}),
    ),
    Told(by="user_kept", id="completed", edit=a_user_that_is_not_there),
)
