"""The demo's own arithmetic, its plan, and how its client bears a gateway that says "later"."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from demo import client as demo_client
from demo.books import check_wallets, expected_balances
from demo.client import Client, Refused, SeenAccount
from demo.errors import DemoError, NoAnswerError, UnexpectedAnswerError
from demo.live import line
from demo.money import as_minor, as_text, grouped
from demo.plan import CURRENCIES, Kind, Plan, PlannedTransfer, make_plan
from demo.tally import Ended, Tally, spread
from demo.target import START_FIRST, find_gateway

DECIMALS = {"EUR": 2, "JPY": 0, "BTC": 8}


@pytest.mark.parametrize(
    ("minor", "decimals", "text"),
    [(1250, 2, "12.50"), (5, 2, "0.05"), (7, 0, "7"), (1, 18, "0.000000000000000001")],
)
def test_an_amount_is_written_and_read_back(minor, decimals, text):
    assert as_text(minor, decimals) == text
    assert as_minor(text, decimals) == minor


@pytest.mark.parametrize("text", ["1.5", "1", "-1.00", "1.0x", "", "1,00"])
def test_another_spelling_is_not_read(text):
    with pytest.raises(ValueError, match="no amount"):
        as_minor(text, 2)


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


def wallets(**changed: str) -> list[dict[str, SeenAccount]]:
    first = {currency: SeenAccount(as_text(100, DECIMALS[currency]), "0") for currency in DECIMALS}
    for currency, decimals in DECIMALS.items():
        first[currency] = SeenAccount(as_text(100, decimals), as_text(0, decimals))
    second = dict(first)
    for currency, balance in changed.items():
        second[currency] = SeenAccount(balance, as_text(0, DECIMALS[currency]))
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


@pytest.fixture(autouse=True)
def quick_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_client, "_BACKOFF_FIRST_S", 0.001)
    monkeypatch.setattr(demo_client, "_BACKOFF_CAP_S", 0.002)


MEMBER = demo_client.Member("id", "a@example.com", "token")


@asynccontextmanager
async def client_of(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[Client]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield Client(session, f"http://127.0.0.1:{server.port}", rng=random.Random(1))


async def test_later_is_answered_by_a_repeat_with_the_same_key():
    keys = []

    async def later_twice(request: web.Request) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        return web.json_response({"code": "busy"}, status=503 if len(keys) < 3 else 201)

    async with client_of(later_twice) as client:
        await client.deposit(MEMBER, currency="EUR", amount="1.00", key="k1")

    assert keys == ["k1"] * 3
    assert client.repeats == 2


@pytest.mark.parametrize("status", [429, 503])
async def test_a_repeat_comes_not_sooner_than_the_gateway_says(status: int):
    asked_at = []

    async def later_once(_request: web.Request) -> web.Response:
        asked_at.append(time.monotonic())
        if len(asked_at) > 1:
            return web.json_response({}, status=201)
        return web.json_response({}, status=status, headers={"Retry-After": "1"})

    async with client_of(later_once) as client:
        await client.deposit(MEMBER, currency="EUR", amount="1.00", key="k1")

    first, second = asked_at
    assert second - first >= 1.0


async def test_a_lost_answer_is_asked_for_again():
    seen = 0

    async def lost_once(request: web.Request) -> web.Response:
        nonlocal seen
        seen += 1
        if seen == 1 and request.transport is not None:
            request.transport.close()
            await asyncio.sleep(0)
        return web.json_response({"code": "insufficient_funds"}, status=422)

    async with client_of(lost_once) as client:
        answer = await client.transfer(MEMBER, MEMBER, currency="EUR", amount="1.00", key="k")

    assert answer == Refused(code="insufficient_funds", replayed=False)
    assert seen == 2


async def test_repeats_are_bounded():
    async def always_later(_request: web.Request) -> web.Response:
        return web.json_response({"code": "shard_unavailable"}, status=503)

    async with client_of(always_later) as client:
        with pytest.raises(NoAnswerError, match=r"12 attempts.*shard_unavailable"):
            await client.wallet(MEMBER)


async def test_an_answer_out_of_contract_is_told_and_not_repeated():
    async def broken(_request: web.Request) -> web.Response:
        return web.Response(text="<html>", status=500)

    async with client_of(broken) as client:
        with pytest.raises(UnexpectedAnswerError, match="answered with 500 an unreadable body"):
            await client.cancel(MEMBER, "t1")

    assert client.repeats == 0


async def test_an_email_that_a_lost_answer_has_taken_is_ours():
    posts = 0

    async def register(request: web.Request) -> web.Response:
        nonlocal posts
        if request.path == "/v1/users":
            posts += 1
            first = posts == 1
            return web.json_response({"code": "email_taken"}, status=503 if first else 409)
        return web.json_response({"access_token": "t", "id": "u1"})

    async with client_of(register) as client:
        member = await client.register("a@example.com", "password")

    assert member == demo_client.Member("u1", "a@example.com", "t")
