"""Corruptions of acts on money, each with the check that must find it (see `audit_cases`)."""

from tests.integration.audit_cases import Case

_REPEATED = (
    "INSERT INTO operator_acts SELECT (json_populate_record(a, '{{{{\"seq\": 99}}}}')).*"
    " FROM operator_acts AS a WHERE target_id = '{{{}}}'"
)


def _case(sql: str, id_: str, *, shard: int = 0) -> Case:
    return Case(check="act_of_row", sql=sql, id=id_, shard=shard)


ACT_CASES = (
    _case("DELETE FROM movements WHERE id = '{deposit_act}'", "deposit_act"),
    _case("UPDATE movements SET caller = 'Eve' WHERE id = '{deposit_act}'", "deposit_act"),
    _case("UPDATE movements SET kind = 'withdrawal' WHERE id = '{deposit_act}'", "deposit_act"),
    _case("UPDATE movements SET kind = 'deposit' WHERE id = '{withdrawal_act}'", "withdrawal_act"),
    _case(
        "UPDATE operator_acts SET act = 'movement.give' WHERE target_id = '{deposit_act}'",
        "deposit_act",
    ),
    _case("UPDATE operator_acts SET done_by = 'Eve' WHERE act = 'movement.deposit'", "deposit_act"),
    _case(_REPEATED.format("withdrawal_act"), "withdrawal_act"),
    _case("UPDATE transfers SET refund_of = NULL WHERE id = '{refund_act}'", "refund_act", shard=1),
    _case("UPDATE transfers SET caller = 'Eve' WHERE id = '{refund_act}'", "refund_act", shard=1),
    _case("DELETE FROM transfers WHERE id = '{refund_act}'", "refund_act", shard=1),
    _case(_REPEATED.format("refund_act"), "refund_act", shard=1),
    _case("UPDATE holds SET status = 'expired' WHERE id = '{void_act}'", "void_act"),
    _case("DELETE FROM holds WHERE id = '{void_act}'", "void_act"),
    _case(_REPEATED.format("void_act"), "void_act"),
)
