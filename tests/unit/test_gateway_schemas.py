from dataclasses import dataclass
from uuid import UUID

import pytest

from gateway.json_body import JsonObject, JsonValue, RawNumber
from gateway.problems import Problem
from gateway.schemas import (
    CancelBody,
    CurrencyBody,
    LoginBody,
    MovementBody,
    ReasonBody,
    TransferBody,
    UserBody,
    named_currency,
    parse_body,
    parse_money_body,
)

PAYEE = "01890a5d-ac96-8b1c-8000-0123456789ab"
USER: JsonObject = {"email": "A@B.test", "password": "correct horse"}
CURRENCY: JsonObject = {"code": "doge", "name": "Dogecoin", "decimals": 8}
TRANSFER: JsonObject = {"to": PAYEE, "currency": "eur", "amount": "12.50"}


def _without(body: JsonObject, name: str) -> JsonObject:
    return {key: value for key, value in body.items() if key != name}


def _wrong(problem: Problem) -> list[tuple[str, str]]:
    assert problem.status == 422
    assert problem.code == problem.errors[0].code
    return [(error.pointer, error.code) for error in problem.errors]


def test_a_user_comes_out_normalised() -> None:
    body = parse_body(UserBody, {**USER, "name": "Ann"})

    assert (body.email, body.password, body.name) == ("a@b.test", "correct horse", "Ann")


@pytest.mark.parametrize("extra", [{}, {"name": None}])
def test_a_name_may_be_left_out(extra: JsonObject) -> None:
    assert parse_body(UserBody, {**USER, **extra}).name is None


@dataclass(frozen=True)
class Case:
    changes: JsonObject
    errors: list[tuple[str, str]]


def _id(case: Case) -> str:
    return ascii(case.changes)[:40]


def _each(name: str, code: str, values: list[JsonValue]) -> list[Case]:
    return [Case({name: value}, [(f"/{name}", code)]) for value in values]


@pytest.mark.parametrize(
    "case",
    [
        Case({"email": "nobody"}, [("/email", "invalid_value")]),
        Case({"email": "a\0@b"}, [("/email", "invalid_value")]),
        Case({"email": 5}, [("/email", "wrong_type")]),
        Case({"email": None}, [("/email", "wrong_type")]),
        Case({"email": ["a@b"]}, [("/email", "wrong_type")]),
        Case({"password": "x" * 7}, [("/password", "invalid_value")]),
        Case({"password": "x" * 201}, [("/password", "invalid_value")]),
        Case({"password": "long enough\0"}, [("/password", "invalid_value")]),
        Case({"password": 12345678}, [("/password", "wrong_type")]),
        Case({"name": "x" * 201}, [("/name", "invalid_value")]),
        Case({"name": "a\0"}, [("/name", "invalid_value")]),
        Case({"name": True}, [("/name", "wrong_type")]),
        Case({"role": "operator"}, [("/role", "unknown_field")]),
        Case({"id": PAYEE, "status": 5}, [("/id", "unknown_field"), ("/status", "unknown_field")]),
        Case({"a/b~c": 1}, [("/a~1b~0c", "unknown_field")]),
        Case({"email": 5, "name": 5}, [("/email", "wrong_type"), ("/name", "wrong_type")]),
    ],
    ids=_id,
)  # fmt: skip
def test_every_wrong_field_of_a_user_is_named(case: Case) -> None:
    with pytest.raises(Problem) as caught:
        parse_body(UserBody, {**USER, **case.changes})

    assert _wrong(caught.value) == case.errors


@pytest.mark.parametrize("password", ["x" * 8, "x" * 200, "é" * 8, "        "])
def test_passwords_at_the_edges_are_good(password: str) -> None:
    assert parse_body(UserBody, {**USER, "password": password}).password == password


@pytest.mark.parametrize("body", [None, True, 5, RawNumber("5.0"), "x", [], [USER]], ids=repr)
def test_a_body_is_an_object(body: JsonValue) -> None:
    with pytest.raises(Problem) as caught:
        parse_body(UserBody, body)

    assert _wrong(caught.value) == [("", "wrong_type")]


def test_missing_fields_are_named() -> None:
    with pytest.raises(Problem) as user:
        parse_body(UserBody, {})
    with pytest.raises(Problem) as transfer:
        parse_money_body(TransferBody, {}, decimals=None)

    assert _wrong(user.value) == [("/email", "missing"), ("/password", "missing")]
    assert sorted(_wrong(transfer.value)) == [
        ("/amount", "missing"),
        ("/currency", "missing"),
        ("/to", "missing"),
    ]


@pytest.mark.parametrize(("email", "normalised"), [("A@b", "a@b"), ("nobody", None), ("", None)])
def test_a_login_looks_at_types_only(email: str, normalised: str | None) -> None:
    body = parse_body(LoginBody, {"email": email, "password": "x"})

    assert (body.email, body.password) == (normalised, "x")


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"email": None, "password": 5}, [("/email", "wrong_type"), ("/password", "wrong_type")]),
        ({"email": "a\0@b", "password": "x"}, [("/email", "invalid_value")]),
        ({"email": "a@b", "password": "\0"}, [("/password", "invalid_value")]),
        ({"email": "a@b"}, [("/password", "missing")]),
    ],
)  # fmt: skip
def test_a_login_of_wrong_types_is_a_422(body: JsonObject, errors: list[tuple[str, str]]) -> None:
    with pytest.raises(Problem) as caught:
        parse_body(LoginBody, body)

    assert _wrong(caught.value) == errors


def test_a_transfer_comes_out_in_minor_units() -> None:
    body = parse_money_body(
        TransferBody,
        {**TRANSFER, "metadata": {"order": "7"}, "expires_in_s": 60},
        decimals=2,
    )

    assert (body.to, body.currency, body.amount_minor) == (UUID(PAYEE), "EUR", 1250)
    assert (body.metadata, body.expires_in_s) == ({"order": "7"}, 60)


@pytest.mark.parametrize(("amount", "minor"), [("12.505", 1250), ("12.515", 1252), ("3", 300)])
def test_an_amount_is_rounded_where_the_body_says_so(amount: str, minor: int) -> None:
    body: JsonObject = {**TRANSFER, "amount": amount, "rounding": "half_even"}

    assert parse_money_body(TransferBody, body, decimals=2).amount_minor == minor


LEFT_OUT: JsonObject = {"metadata": None, "expires_in_s": None, "rounding": None}


@pytest.mark.parametrize("optional", [{}, LEFT_OUT])
def test_what_is_left_out_of_a_transfer_is_none(optional: JsonObject) -> None:
    body = parse_money_body(TransferBody, {**TRANSFER, **optional}, decimals=2)

    assert (body.metadata, body.expires_in_s) == (None, None)


@pytest.mark.parametrize(
    ("to", "payee"),
    [(PAYEE.upper(), UUID(PAYEE)), ("Bob@Example.test", "bob@example.test")],
)
def test_a_payee_is_an_id_or_an_e_mail(to: str, payee: UUID | str) -> None:
    assert parse_money_body(TransferBody, {**TRANSFER, "to": to}, decimals=2).to == payee


BIG = "9" * 28
WRONG_TRANSFERS = [
    *_each("to", "invalid_value", [
        "", "bob", "a@", "a@b@c", "a b@c", "\0", "a\0@b", f"{{{PAYEE}}}", PAYEE.replace("-", ""),
    ]),
    *_each("to", "wrong_type", [None, 5, True, [PAYEE], {"id": PAYEE}]),
    *_each("currency", "wrong_type", [None, 5, ["EUR"], {}]),
    *_each("currency", "unknown_currency", ["", "€", "EU R"]),
    *_each("currency", "invalid_value", ["EUR\0"]),
    *_each("amount", "amount_not_string", [
        0, 1, -1, True, None, [], ["1"], {}, 10**400, RawNumber("1.0"), RawNumber("1e2"),
    ]),
    *_each("amount", "amount_malformed", [
        "", "-1", "-0", "1e2", "NaN", " 7 ", "1_000", "１", "true", "1\0",
    ]),
    *_each("amount", "amount_not_positive", ["0", "0.00"]),
    *_each("amount", "too_precise", ["1.500"]),
    *_each("amount", "amount_too_large", [BIG]),
    *_each("expires_in_s", "wrong_type", [
        True, False, "5", RawNumber("5.0"), RawNumber("1e2"), [], {},
    ]),
    *_each("expires_in_s", "invalid_value", [0, -1, 604_801, 2**63, 10**400]),
    *_each("metadata", "wrong_type", ["x", 5, [], True]),
    Case({"metadata": {str(n): "" for n in range(51)}}, [("/metadata", "invalid_value")]),
    Case({"metadata": {"a/b": 5}}, [("/metadata/a~1b", "wrong_type")]),
    Case({"metadata": {"a": None}}, [("/metadata/a", "wrong_type")]),
    Case({"metadata": {"b": {}}}, [("/metadata/b", "wrong_type")]),
    Case({"metadata": {"a": "x" * 501}}, [("/metadata/a", "invalid_value")]),
    Case({"metadata": {"a": "\0"}}, [("/metadata/a", "invalid_value")]),
    Case({"metadata": {"": "x"}}, [("/metadata/", "invalid_value")]),
    Case({"metadata": {"a\0": "x"}}, [("/metadata/a\0", "invalid_value")]),
    Case({"metadata": {"k" * 41: "x"}}, [("/metadata/" + "k" * 41, "invalid_value")]),
    Case({"metadata": {"[key]": 5}}, [("/metadata/[key]", "wrong_type")]),
    *_each("rounding", "invalid_value", ["", "half_up", "HALF_EVEN", " half_even", "half_even\0"]),
    *_each("rounding", "wrong_type", [5, True, RawNumber("1.0"), ["half_even"], {}]),
    Case({"rounding": "up", "amount": "1.005"}, [("/rounding", "invalid_value")]),
    Case({"rounding": None, "amount": "1.005"}, [("/amount", "too_precise")]),
    Case({"rounding": "half_even", "amount": "0.005"}, [("/amount", "amount_not_positive")]),
    Case({"key": "k"}, [("/key", "unknown_field")]),
    Case({"amount_minor": 5}, [("/amount_minor", "unknown_field")]),
    Case({"payer_id": PAYEE}, [("/payer_id", "unknown_field")]),
]  # fmt: skip


@pytest.mark.parametrize("case", WRONG_TRANSFERS, ids=_id)
def test_a_wrong_field_of_a_transfer_is_named(case: Case) -> None:
    with pytest.raises(Problem) as caught:
        parse_money_body(TransferBody, {**TRANSFER, **case.changes}, decimals=2)

    assert _wrong(caught.value) == case.errors


def test_metadata_at_the_edges_is_good() -> None:
    metadata: JsonObject = {f"{n:0>40}": "x" * 500 for n in range(50)}

    body = parse_money_body(TransferBody, {**TRANSFER, "metadata": metadata}, decimals=2)

    assert body.metadata == metadata


@pytest.mark.parametrize("seconds", [1, 604_800])
def test_expiries_at_the_edges_are_good(seconds: int) -> None:
    body = parse_money_body(TransferBody, {**TRANSFER, "expires_in_s": seconds}, decimals=2)

    assert body.expires_in_s == seconds


@pytest.mark.parametrize(
    ("amount", "errors"),
    [
        ("12.50", [("/currency", "unknown_currency")]),
        (5, [("/currency", "unknown_currency"), ("/amount", "amount_not_string")]),
        ("0", [("/currency", "unknown_currency"), ("/amount", "amount_not_positive")]),
    ],
)
def test_with_an_unknown_currency_the_amount_is_looked_at_all_the_same(
    amount: JsonValue, errors: list[tuple[str, str]]
) -> None:
    body: JsonObject = {"currency": "XXX", "amount": amount}

    with pytest.raises(Problem) as caught:
        parse_money_body(MovementBody, body, decimals=None)

    assert _wrong(caught.value) == errors


@pytest.mark.parametrize("name", ["to", "expires_in_s"])
def test_a_movement_has_no_payee_and_no_expiry(name: str) -> None:
    body: JsonObject = {"currency": "EUR", "amount": "1", name: 5}

    with pytest.raises(Problem) as caught:
        parse_money_body(MovementBody, body, decimals=2)

    assert _wrong(caught.value) == [(f"/{name}", "unknown_field")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"currency": "eur"}, "EUR"),
        ({"currency": "usdc", "x": 1}, "USDC"),
        ({"currency": 5}, None),
        ({"currency": "€"}, None),
        ({}, None),
        ([], None),
        (None, None),
        ("currency", None),
    ],
)
def test_the_currency_is_named_before_the_body_is_checked(
    body: JsonValue, code: str | None
) -> None:
    assert named_currency(body) == code


def test_a_cancel_has_nothing_in_it() -> None:
    assert parse_body(CancelBody, {}) == CancelBody()
    with pytest.raises(Problem) as caught:
        parse_body(CancelBody, {"reason": "x"})
    assert _wrong(caught.value) == [("/reason", "unknown_field")]


def test_a_flood_of_wrong_fields_has_a_short_answer() -> None:
    body: JsonObject = {str(number): None for number in range(5000)}

    with pytest.raises(Problem) as caught:
        parse_body(CancelBody, {**body, "k" * 60_000: None})

    assert {error.code for error in caught.value.errors} == {"unknown_field"}
    assert len(caught.value.errors) == 10


def test_a_long_field_name_is_cut_short_in_the_answer() -> None:
    with pytest.raises(Problem) as caught:
        parse_body(CancelBody, {"k" * 60_000: None})

    assert len(caught.value.to_json("x")) < 2_000


def test_a_problem_never_shows_the_password() -> None:
    with pytest.raises(Problem) as caught:
        parse_body(UserBody, {"email": "x", "password": "hunter2"})

    assert b"hunter2" not in caught.value.to_json("x")


@pytest.mark.parametrize("reason", ["x", "x" * 1_000, " stolen card ", "日本語 😀"])
def test_a_reason_is_a_line_as_it_was_sent(reason: str) -> None:
    movement: JsonObject = {"currency": "EUR", "amount": "1", "reason": reason}

    assert parse_body(ReasonBody, {"reason": reason}).reason == reason
    assert parse_body(CurrencyBody, {**CURRENCY, "reason": reason}).reason == reason
    assert parse_money_body(MovementBody, movement, decimals=2).reason == reason


@pytest.mark.parametrize("reason", ["", " ", "a\nb", "a\u2028b", "x" * 1_001])
def test_a_reason_of_a_movement_is_a_line_or_left_out(reason: str) -> None:
    body: JsonObject = {"currency": "EUR", "amount": "1"}

    with pytest.raises(Problem) as caught:
        parse_money_body(MovementBody, {**body, "reason": reason}, decimals=2)

    assert _wrong(caught.value) == [("/reason", "invalid_value")]
    for left_out in (body, {**body, "reason": None}):
        assert parse_money_body(MovementBody, left_out, decimals=2).reason == "none given"


@pytest.mark.parametrize(
    "case",
    [
        *_each("reason", "invalid_value", ["", " ", "\u3000", "x" * 1_001, "a\nb", "a\rb", "a\0"]),
        *_each("reason", "invalid_value", ["a\u2028b", "a\u2029b", "a\x85b", "\x7f"]),
        *_each("reason", "wrong_type", [None, 5, True, ["x"], {}]),
        *_each("by", "unknown_field", ["Ada"]),
    ],
    ids=_id,
)
def test_a_reason_that_is_no_line_is_refused(case: Case) -> None:
    with pytest.raises(Problem) as caught:
        parse_body(ReasonBody, {"reason": "a test", **case.changes})

    assert _wrong(caught.value) == case.errors


def test_a_currency_comes_out_in_upper_case() -> None:
    body = parse_body(CurrencyBody, CURRENCY)

    assert (body.code, body.name, body.decimals, body.enabled) == ("DOGE", "Dogecoin", 8, None)
    assert body.reason == "none given"
    assert parse_body(CurrencyBody, {**CURRENCY, "enabled": False}).enabled is False


@pytest.mark.parametrize(
    "case",
    [
        *_each("code", "invalid_value", ["", "AB", "A" * 11, "A B", "EU-R", "É\u0301AB", "ＥＵＲ"]),
        *_each("code", "wrong_type", [None, 5, ["EUR"]]),
        *_each("name", "invalid_value", ["", "  ", "x" * 101, "a\nb", "a\0"]),
        *_each("name", "wrong_type", [None, 5]),
        *_each("decimals", "invalid_value", [-1, 19, 10**30]),
        *_each("decimals", "wrong_type", [None, "8", True, RawNumber("8.0")]),
        *_each("enabled", "wrong_type", ["true", 0, 1, []]),
        *_each("reason", "invalid_value", ["", " ", "a\nb", "x" * 1_001]),
        *_each("reason", "wrong_type", [5, True, []]),
        *_each("created_at", "unknown_field", ["now"]),
    ],
    ids=_id,
)
def test_every_wrong_field_of_a_currency_is_named(case: Case) -> None:
    with pytest.raises(Problem) as caught:
        parse_body(CurrencyBody, {**CURRENCY, **case.changes})

    assert _wrong(caught.value) == case.errors
