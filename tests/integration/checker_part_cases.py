"""The same of holds, refunds and limits."""

from tests.integration.checker_books import Line, Names, told
from tests.integration.checker_cases import Rows, Told, op_of, reads_of


def _event(user: str, type_: str, id_: str, change: str) -> str:
    """Changes what an event of a user says."""
    return (
        f"UPDATE outbox SET data = data || '{{{{{change}}}}}'"
        f" WHERE user_id = '{{{user}}}' AND type = '{type_}' AND data::text LIKE '%{{{id_}}}%'"
    )


PART_ROWS = (
    Rows(
        by="frozen_held",
        id="EUR",
        sql="UPDATE accounts SET held = held + 1 WHERE user_id = '{shopper}'",
    ),
    Rows(
        by="nothing_held",
        id="shopper",
        sql="UPDATE holds SET captured = captured + 1 WHERE id = '{open_hold}'",
    ),
    Rows(
        by="all_ended",
        id="voided_hold",
        sql=(
            "UPDATE holds SET status = 'open', ended_at = NULL,"
            " expires_at = now() - interval '2 minutes' WHERE id = '{voided_hold}'"
        ),
    ),
    Rows(
        by="accepted_once",
        id="shopper",
        sql="DELETE FROM holds WHERE id = '{voided_hold}'",
    ),
    Rows(
        by="refusal_recorded",
        id="shopper",
        sql="DELETE FROM holds WHERE id = '{rejected_hold}'",
    ),
    Rows(
        by="row_as_asked",
        id="shopper",
        sql="UPDATE transfers SET hold_id = '{voided_hold}' WHERE id = '{capture}'",
    ),
    Rows(
        by="row_as_asked",
        id="merchant",
        sql="UPDATE transfers SET refund_of = '{last_capture}' WHERE id = '{refund}'",
        shard=1,
    ),
    Rows(
        by="accepted_once",
        id="merchant",
        sql="UPDATE transfers SET caller = 'another' WHERE id = '{refund}'",
        shard=1,
    ),
    Rows(
        by="hold_forward",
        id="hold",
        sql="UPDATE holds SET captured = captured - 1 WHERE id = '{hold}'",
    ),
    Rows(
        by="hold_end",
        id="voided_hold",
        sql="UPDATE holds SET status = 'captured' WHERE id = '{voided_hold}'",
    ),
    Rows(
        by="hold_end",
        id="expired_hold",
        sql="UPDATE holds SET status = 'voided' WHERE id = '{expired_hold}'",
    ),
    Rows(
        by="hold_adds_up",
        id="hold",
        sql="DELETE FROM entries WHERE transfer_id = '{capture}'",
        shard=1,
    ),
    Rows(
        by="hold_adds_up",
        id="returning_hold",
        sql=(
            """INSERT INTO entries SELECT (json_populate_record(entries, '{{"seq": 99}}')).*
            FROM entries WHERE transfer_id = '{returned}' AND kind = 'transfer_return'"""
        ),
    ),
    Rows(
        by="replay_hold",
        id="hold",
        sql="UPDATE holds SET captured = captured + 1 WHERE id = '{hold}'",
    ),
    Rows(
        by="replay_hold",
        id="hold",
        sql=_event("shopper", "hold.open", "hold", '"amount_minor": "499"'),
    ),
    Rows(
        by="replay_hold",
        id="voided_hold",
        sql=_event("shopper", "hold.voided", "voided_hold", '"captured_minor": "0"'),
    ),
    Rows(
        by="replay_hold",
        id="voided_hold",
        sql=_event("shopper", "hold.open", "open_hold", '"hold_id": "{voided_hold}"'),
    ),
    Rows(
        by="refund_linked",
        id="capture",
        sql=("UPDATE transfers SET status = 'cancelled', reason = 'expired' WHERE id = '{refund}'"),
        shard=1,
    ),
    Rows(
        by="refund_cap",
        id="capture",
        sql="UPDATE transfers SET amount = 199 WHERE id = '{capture}'",
    ),
    Rows(
        by="limit_kept",
        id="shopper",
        sql=_event("shopper", "account.limit_set", "shopper", '"daily_minor": "1"'),
    ),
    Rows(
        by="limit_kept",
        id="shopper",
        sql=("UPDATE holds SET created_at = created_at + interval '1 day' WHERE id = '{hold}'"),
    ),
    Rows(
        by="limit_as_asked",
        id="shopper",
        sql=_event("shopper", "account.limit_set", "shopper", '"daily_minor": "10000"'),
    ),
    Rows(
        by="replay_account",
        id="shopper",
        sql="UPDATE accounts SET daily_limit = 77 WHERE user_id = '{shopper}'",
    ),
    Rows(
        by="replay_account",
        id="shopper",
        sql="UPDATE accounts SET spent = spent - 1 WHERE user_id = '{shopper}'",
    ),
    Rows(
        by="refusal_due",
        id="shopper",
        sql=_event("shopper", "transfer.rejected", "over", '"amount_minor": "40"'),
    ),
    Rows(
        by="refusal_due",
        id="shopper",
        sql=_event("shopper", "hold.rejected", "rejected_hold", '"amount_minor": "4"'),
    ),
)


def a_hold_that_opened_again(lines: list[Line], names: Names) -> None:
    shown = {"hold_status": "open", "captured": 500, "remaining": 100}
    lines += _read_hold(lines, names, shown)


def a_hold_that_ended_twice(lines: list[Line], names: Names) -> None:
    shown = {"hold_status": "voided", "captured": 500, "remaining": 0}
    lines += _read_hold(lines, names, shown)


def a_hold_that_forgot_a_capture(lines: list[Line], names: Names) -> None:
    """Nobody had read it since: only the answer to the capture tells."""
    answer = op_of(lines, kind="read_hold", hold=names["hold"])[1]
    answer |= {"captured": 0, "remaining": 600}


def a_hold_with_more_left_than_there_is(lines: list[Line], names: Names) -> None:
    op_of(lines, kind="read_hold", hold=names["hold"])[1]["remaining"] += 1


def a_hold_that_finds_nothing(lines: list[Line], names: Names) -> None:
    ask = {"kind": "read_hold", "hold": names["hold"], "user": names["shopper"]}
    lines += told(lines, ask, {"status": 404, "code": "not_found"})


def a_void_that_is_not_the_payees(lines: list[Line], names: Names) -> None:
    ask = {"kind": "void", "hold": names["hold"], "user": names["merchant"]}
    lines += told(lines, ask, {"status": 403, "code": "not_payee"})


def ended_by_a_capture_and_by_a_void(lines: list[Line], names: Names) -> None:
    answer = op_of(lines, kind="void", hold=names["hold"])[1]
    answer |= {"status": 200, "code": None}


def too_late_to_void_though_voided(lines: list[Line], names: Names) -> None:
    answer = op_of(lines, kind="void", hold=names["voided_hold"])[1]
    answer |= {"status": 409, "code": "hold_closed", "hold_status": None}


def a_capture_that_ended_what_was_voided(lines: list[Line], names: Names) -> None:
    """The same capture, told to be of another hold, and the last of it."""
    op_of(lines, key="c5")[0]["final"] = True


def closed_though_it_never_ended(lines: list[Line], names: Names) -> None:
    answer = op_of(lines, key="c10")[1]
    answer |= {"status": 409, "code": "hold_closed"}


def too_large_though_it_fits(lines: list[Line], names: Names) -> None:
    op_of(lines, key="c2")[0]["amount"] = 100


def a_void_that_nobody_asked_for(lines: list[Line], names: Names) -> None:
    for invoke, answer in _ops_of(lines, kind="void", hold=names["voided_hold"]):
        lines.remove(invoke)
        lines.remove(answer)


def a_capture_of_another_amount(lines: list[Line], names: Names) -> None:
    op_of(lines, key="c8")[1]["amount"] = 69


def a_refund_that_is_not_shown(lines: list[Line], names: Names) -> None:
    answer = _last_read(lines, names["capture"])
    answer |= {"refunds": [], "refunded": 0}


def a_refund_of_something_else(lines: list[Line], names: Names) -> None:
    _last_read(lines, names["capture"])["refunds"].append(names["cancelled_refund"])


def refunds_that_do_not_add_up(lines: list[Line], names: Names) -> None:
    _last_read(lines, names["capture"])["refunded"] += 1


def not_completed_though_it_was(lines: list[Line], names: Names) -> None:
    op_of(lines, key="r3")[1].update(status=409, code="not_completed")


def too_much_though_it_was_left(lines: list[Line], names: Names) -> None:
    op_of(lines, key="r5")[0]["amount"] = 200


def a_limit_that_did_not_last(lines: list[Line], names: Names) -> None:
    lines += told(lines, _limit(names) | {"daily": 5}, {"status": 200, "daily": 5})


def a_limit_that_was_refused(lines: list[Line], names: Names) -> None:
    answer = op_of(lines, kind="set_limit")[1]
    answer |= {"status": 403, "code": "operator_only"}


def another_limit_than_was_asked_for(lines: list[Line], names: Names) -> None:
    op_of(lines, kind="set_limit")[1]["daily"] -= 1


def a_read_that_misses_a_void(lines: list[Line], names: Names) -> None:
    """Nobody had read the new version before: only the answer to the void tells."""
    reads = reads_of(lines, names["shopper"])
    before, after = reads[1][1], reads[2][1]
    after |= {name: before[name] for name in ("balance", "held", "version")}


def a_read_ahead_of_its_void(lines: list[Line], names: Names) -> None:
    """The hold had been asked for long before."""
    reads = reads_of(lines, names["shopper"])
    void, _ = op_of(lines, kind="void", hold=names["voided_hold"])
    reads[2][0]["at"] = void["at"] - 2
    reads[2][1]["at"] = void["at"] - 1


def over_the_limit_and_not_recorded(lines: list[Line], names: Names) -> None:
    op_of(lines, key="malformed")[1]["code"] = "limit_exceeded"


def a_key_that_is_another_callers(lines: list[Line], names: Names) -> None:
    """Both may use it: the row of one is not that of the other."""
    op_of(lines, key="c8")[0]["user"] = names["merchant"]


def _read_hold(lines: list[Line], names: Names, shown: Line) -> list[Line]:
    ask = {"kind": "read_hold", "hold": names["hold"], "user": names["shopper"]}
    return told(lines, ask, {"status": 200} | shown)


def _limit(names: Names) -> Line:
    return {
        "kind": "set_limit",
        "user": names["shopper"],
        "currency": "EUR",
        "operator": names["operator"],
    }


def _ops_of(lines: list[Line], **wanted: object) -> list[tuple[Line, Line]]:
    asked = [line for line in lines if wanted.items() <= line.items()]
    return [op_of(lines, type="invoke", op=line["op"]) for line in asked]


def _last_read(lines: list[Line], transfer: str) -> Line:
    return _ops_of(lines, kind="read_transfer", transfer=transfer)[-1][1]


PART_TOLD = (
    Told(by="hold_forward", id="hold", edit=a_hold_that_opened_again),
    Told(by="hold_forward", id="hold", edit=a_hold_that_ended_twice),
    Told(by="hold_forward", id="hold", edit=a_hold_that_forgot_a_capture),
    Told(by="hold_forward", id="hold", edit=a_hold_with_more_left_than_there_is),
    Told(by="accepted_shown", id="hold", edit=a_hold_that_finds_nothing),
    Told(by="accepted_shown", id="hold", edit=a_void_that_is_not_the_payees),
    Told(by="hold_end", id="hold", edit=ended_by_a_capture_and_by_a_void),
    Told(by="hold_end", id="voided_hold", edit=too_late_to_void_though_voided),
    Told(
        by="hold_end",
        id="voided_hold",
        edit=a_capture_that_ended_what_was_voided,
        also=frozenset({"hold_forward"}),
    ),
    Told(
        by="hold_end",
        id="open_hold",
        edit=closed_though_it_never_ended,
        also=frozenset({"refused_no_row"}),
    ),
    Told(by="hold_end", id="hold", edit=too_large_though_it_fits),
    Told(by="hold_end", id="voided_hold", edit=a_void_that_nobody_asked_for),
    Told(by="row_as_asked", id="shopper", edit=a_capture_of_another_amount),
    Told(by="refund_linked", id="capture", edit=a_refund_that_is_not_shown),
    Told(by="refund_linked", id="capture", edit=a_refund_of_something_else),
    Told(by="refund_linked", id="capture", edit=refunds_that_do_not_add_up),
    Told(by="refund_refused", id="capture", edit=not_completed_though_it_was),
    Told(by="refund_refused", id="last_capture", edit=too_much_though_it_was_left),
    Told(by="limit_as_asked", id="shopper", edit=a_limit_that_did_not_last),
    Told(by="limit_as_asked", id="shopper", edit=a_limit_that_was_refused),
    Told(by="limit_as_asked", id="shopper", edit=another_limit_than_was_asked_for),
    Told(by="read_current", id="shopper", edit=a_read_that_misses_a_void),
    Told(by="read_not_early", id="shopper", edit=a_read_ahead_of_its_void),
    Told(by="refusal_recorded", id="payer", edit=over_the_limit_and_not_recorded),
    Told(
        by="row_was_asked",
        id="captured_whole",
        edit=a_key_that_is_another_callers,
        also=frozenset({"accepted_once"}),
    ),
)
