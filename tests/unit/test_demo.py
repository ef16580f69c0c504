"""The demo's own arithmetic, its plan, its books, and what of its traffic ends it."""

from collections import Counter

import pytest

from client import Account, NoAnswerError, TryLaterError, as_text
from demo.books import check_wallets, expected_balances
from demo.cast import Cast, Member
from demo.errors import DemoError
from demo.live import line
from demo.money import grouped
from demo.plan import CURRENCIES, Kind, Plan, PlannedTransfer, make_plan
from demo.tally import Ended, Tally, spread
from demo.target import START_FIRST, find_gateway
from demo.workload import Payments, fund
from tests.unit.client_rig import HEAD, NEVER_SENT, Script, problem, session_of

DECIMALS = {"EUR": 2, "JPY": 0, "BTC": 8}


def test_thousands_are_apart_for_people():
    assert grouped(123456789, 2) == "1,234,567.89"
    assert grouped(123456789, 0) == "123,456,789"


def test_a_seed_makes_one_plan():
    assert make_plan(seed=7, users=5, transfers=200) == make_plan(seed=7, users=5, transfers=200)
    assert make_plan(seed=7, users=5, transfers=200) != make_plan(seed=8, users=5, transfers=200)


def test_each_kind_is_in_a_plan_of_a_hundred():
    plan = make_plan(seed=1, users=2, transfers=100)

    assert set(Counter(t.kind for t in plan.transfers)) == set(Kind)
    assert all(t.payer != t.payee and t.amount > 0 for t in plan.transfers)


def test_too_much_is_more_than_there_is():
    plan = make_plan(seed=1, users=4, transfers=400)
    all_of_it = Counter(dict.fromkeys(CURRENCIES, 0))
    for (_, currency), amount in plan.deposits.items():
        all_of_it[currency] += amount

    too_much = [t for t in plan.transfers if t.kind is Kind.TOO_MUCH]

    assert too_much
    assert all(t.amount > all_of_it[t.currency] for t in too_much)


def planned(amount: int = 10, kind: Kind = Kind.ORDINARY) -> PlannedTransfer:
    return PlannedTransfer(number=0, payer=0, payee=1, currency="EUR", amount=amount, kind=kind)


@pytest.mark.parametrize(
    ("status", "payer", "payee"),
    [("completed", 90, 110), ("cancelled", 100, 100), ("rejected", 100, 100)],
)
def test_only_what_is_completed_moves_money(status, payer, payee):
    ended = Ended(planned=planned(), status=status, reason=None)

    balances = expected_balances({(0, "EUR"): 100, (1, "EUR"): 100}, [ended])

    assert balances == {(0, "EUR"): payer, (1, "EUR"): payee}


def account(currency: str, balance: str) -> Account:
    nothing = as_text(0, DECIMALS[currency])
    return Account(
        currency=currency,
        balance=balance,
        held=nothing,
        available=balance,
        version=1,
        answer=HEAD,
    )


def wallets(**changed: str) -> list[dict[str, Account]]:
    first = {code: account(code, as_text(100, decimals)) for code, decimals in DECIMALS.items()}
    second = first | {code: account(code, balance) for code, balance in changed.items()}
    return [first, second]


def small_plan() -> Plan:
    deposits = {(user, currency): 100 for user in (0, 1) for currency in CURRENCIES}
    return Plan(users=2, deposits=deposits, transfers=())


def test_wallets_that_hold_what_they_must_agree():
    tally = Tally(transfers=0)

    totals = check_wallets(small_plan(), tally, wallets(), decimals=DECIMALS)

    assert not tally.problems
    assert [(t.deposited, t.in_wallets) for t in totals] == [(200, 200)] * 3


def test_a_missing_cent_is_told():
    tally = Tally(transfers=0)

    check_wallets(small_plan(), tally, wallets(EUR="0.99"), decimals=DECIMALS)

    assert len(tally.problems) == 2, tally.problems
    assert "user 1 has 0.99 EUR, must have 1.00" in tally.problems[0]


def test_problems_are_kept_short():
    tally = Tally(transfers=0)

    for number in range(25):
        tally.note(str(number))

    assert (len(tally.problems), tally.problems_more) == (10, 15)


def test_a_spread_is_of_all_that_was_measured():
    found = spread([number / 100 for number in range(101)])

    assert found is not None
    assert (found.p50, found.p99) == (0.5, 0.99)
    assert spread([]) is None


def test_a_line_says_how_far_it_is():
    tally = Tally(transfers=3)
    tally.accept(after_s=0.01)
    tally.accept(after_s=0.01)
    tally.refuse(planned(), code="insufficient_funds")
    tally.end(planned(), status="completed", reason=None)

    said = line(tally, rate=12.0)

    assert "2 of 3 over: 1 completed, 1 rejected" in said
    assert "1 open; 12/s; accepted in 10/10 ms" in said


def test_without_a_run_file_the_next_step_is_told(tmp_path):
    with pytest.raises(DemoError, match=START_FIRST):
        find_gateway(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{"])
def test_a_run_file_that_cannot_be_used_is_told(tmp_path, text):
    (tmp_path / "run.json").write_text(text)

    with pytest.raises(DemoError, match=START_FIRST):
        find_gateway(tmp_path)


def test_the_gateway_of_a_run_file_is_found(tmp_path):
    (tmp_path / "run.json").write_text('{"gateway": "http://127.0.0.1:8080/"}')

    assert find_gateway(tmp_path) == "http://127.0.0.1:8080"


def cast_of(script: Script) -> Cast:
    members = [Member("a@example.com", session_of(script, attempts=2)) for _ in range(2)]
    return Cast(tag="t", members=members, decimals=DECIMALS)


async def test_deposits_that_are_not_the_users_end_it_with_the_setting():
    script = Script(problem(403, "operator_only"))

    with pytest.raises(ExceptionGroup) as ended:
        await fund(small_plan(), cast_of(script))

    assert ended.group_contains(DemoError, match="HOLDFAST_MOVEMENTS__DEPOSITS_BY=owner")


async def test_an_answer_that_was_not_planned_is_noted_and_the_next_one_goes_on():
    script = Script(problem(404, "not_found"))
    tally = Tally(transfers=2)

    await Payments(cast_of(script), tally).run([planned(), planned()], within_s=5.0)

    assert len(tally.problems) == 2
    assert "404 not_found" in tally.problems[0]


@pytest.mark.parametrize(
    ("step", "error"), [(NEVER_SENT, NoAnswerError), (problem(503, "busy"), TryLaterError)]
)
async def test_a_gateway_that_stays_away_ends_it(step, error):
    tally = Tally(transfers=1)

    with pytest.raises(ExceptionGroup) as ended:
        await Payments(cast_of(Script(step)), tally).run([planned()], within_s=5.0)

    assert ended.group_contains(error)
    assert not tally.problems
