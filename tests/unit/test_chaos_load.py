"""The load of the nemesis: what it must get right for the checker to be able to judge it."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest
from typing_extensions import override

from gateway.problems import KINDS
from reliability.chaos.doors import Doors
from reliability.chaos.load.answers import EXPECTED, minor, spelled, told_answer
from reliability.chaos.load.asking import Asking, Tally
from reliability.chaos.load.cast import (
    CHILLED,
    HOT,
    LADDER_STEPS,
    LIMITED,
    MERCHANTS,
    Cast,
    Member,
)
from reliability.chaos.load.doorway import Doorway
from reliability.chaos.load.http import Http, Reply, Request
from reliability.chaos.load.limits import Limits
from reliability.chaos.load.refunds import Refunds
from reliability.chaos.load.requests import Deal, Requests
from reliability.chaos.load.shop import Shop
from reliability.chaos.load.tools import Tools, make_tools
from reliability.chaos.load.workloads import Workloads
from reliability.chaos.operators import Operators
from reliability.chaos.profiles import CLOSINGS, ENDINGS, PARTS, REFUSALS, SMOKE
from reliability.checker.vacuity import parse_minimum, unmet
from reliability.history import Answer, AskPart, HistoryWriter, Kind
from sagas.operators import UserAct, WalletNotEmptyError
from shards.ids import bucket_of

BUCKET = 5


class Gateways(Http):
    """Answers as it is told, the last answer for ever, and keeps what it was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[Request, int]] = []

    @override
    async def send(self, request: Request, *, gateway: int) -> Reply:
        self.asked.append((request, gateway))
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class Dice(random.Random):
    """Always falls the same; pauses between tries are none."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self._value = value

    @override
    def random(self) -> float:
        return self._value

    @override
    def randrange(self, start, stop=None, step=1) -> int:
        return 0

    @override
    def uniform(self, a, b) -> float:
        return 0.0


ACCEPTED = Reply(202, {"id": "some transfer", "status": "held"}, replayed=False)
NONE = Reply(None, None, replayed=False)


def member(number: int) -> Member:
    # A UUIDv8 with its bucket, as the gateway makes them.
    id_ = UUID(int=(0x8000 | BUCKET) << 64 | 0b10 << 62 | number)
    return Member(str(id_), f"user{number}@example.com", "token")


CAST = Cast(
    ordinary=[member(number) for number in range(4)],
    hot=[member(10 + number) for number in range(HOT)],
    ladders=[(member(20), member(21)), (member(22), member(23))],
    doors=[member(30 + number) for number in range(4)],
    chilled=[member(40 + number) for number in range(CHILLED)],
    merchants=[member(60 + number) for number in range(MERCHANTS)],
    limited=[member(70 + number) for number in range(LIMITED)],
    operator=Member(member(80).id, "operator@example.com", "token of the operator"),
    closed=member(50),
    frozen=member(51),
)


@pytest.fixture
def history(tmp_path: Path):
    with HistoryWriter(tmp_path / "history" / "clients.jsonl") as writer:
        yield writer


def workloads(gateways: Gateways, history: HistoryWriter, *, patient: bool = True) -> Workloads:
    rng = random.Random(1)
    asking = Asking(gateways, history, rng=Dice(0.99 if patient else 0.0))
    return Workloads(make_tools(asking, CAST, tag="test", rng=rng))


def tools(gateways: Gateways, history: HistoryWriter) -> Tools:
    asking = Asking(gateways, history, rng=Dice(0.99))
    return make_tools(asking, CAST, tag="test", rng=random.Random(1))


def asked(gateways: Gateways) -> list[tuple[str, str]]:
    """What was asked, without the ids."""
    return [
        (request.method, "/".join(part for part in request.path.split("/") if len(part) < 30))
        for request, _ in gateways.asked
    ]


def test_amounts_are_spelled_and_read_alike():
    assert [spelled(1), spelled(100), spelled(12_345)] == ["0.01", "1.00", "123.45"]
    assert all(minor(spelled(amount)) == amount for amount in (1, 10, 99, 100, 12_345, 4**43))


async def test_what_was_not_answered_is_asked_of_the_other_gateway_with_the_same_key(history):
    gateways = Gateways(NONE, Reply(503, {"code": "shard_unavailable"}, replayed=False), ACCEPTED)

    await workloads(gateways, history).ordinary(1)

    assert [gateway for _, gateway in gateways.asked] == [0, 1, 2]
    assert len({request.key for request, _ in gateways.asked}) == 1


async def test_who_is_not_patient_gives_up_after_one_try(history):
    gateways = Gateways(NONE)

    load = workloads(gateways, history, patient=False)

    await load.ordinary(1)

    assert len(gateways.asked) == 1
    assert load._asking.tally.gave_up == 1


async def test_a_ladder_sends_each_power_of_four_once(history):
    gateways = Gateways(ACCEPTED)
    load = workloads(gateways, history)

    for _ in range(2 * LADDER_STEPS + 3):
        await load.ladder(1)

    sent = sorted(
        (request.path, minor(str((request.json or {})["amount"]))) for request, _ in gateways.asked
    )
    assert sent == sorted(
        (f"{payer.wallet}/transfers", 4**step)
        for payer, _ in CAST.ladders
        for step in range(LADDER_STEPS)
    )


async def test_twins_are_one_request_at_two_gateways(history):
    gateways = Gateways(ACCEPTED)

    await workloads(gateways, history).twins(1)

    (first, _), (second, _) = gateways.asked
    assert first == second
    assert {gateway for _, gateway in gateways.asked} == {0, 1}


async def test_nobody_is_in_a_bucket_that_exists(history):
    gateways = Gateways(Reply(422, {"code": "unknown_payee"}, replayed=False))

    await workloads(gateways, history).to_nobody(1)

    nobody = str((gateways.asked[0][0].json or {})["to"])
    assert bucket_of(UUID(nobody)) == BUCKET
    assert UUID(nobody).version == 8
    assert nobody not in {one.id for one in CAST.everybody}


@pytest.mark.parametrize(
    ("kind", "status", "is_expected"),
    [
        (Kind.TRANSFER, 429, True),
        (Kind.DEPOSIT, 429, False),
        (Kind.CANCEL, 409, True),
        (Kind.TRANSFER, 409, False),
        (Kind.READ_TRANSFER, 404, False),
        (Kind.CANCEL, 403, False),
        (Kind.READ_BALANCE, 404, False),
        (Kind.READ_BALANCE, 422, False),
        (Kind.CAPTURE, 409, True),
        (Kind.CAPTURE, 429, False),
        (Kind.HOLD, 409, False),
        (Kind.VOID, 409, True),
        (Kind.VOID, 403, False),
        (Kind.REFUND, 409, True),
        (Kind.SET_LIMIT, 403, False),
        (Kind.SET_LIMIT, 422, False),
        *((kind, status, True) for kind in Kind for status in (401, 503, None)),
        *((kind, 500, False) for kind in Kind),
    ],
)
def test_what_may_be_answered_depends_on_what_was_asked(
    kind: Kind, status: int | None, is_expected: bool
):
    tally = Tally()

    tally.note(kind, Request(method="GET", path="/"), Reply(status, {}, replayed=False))

    assert (not tally.unexpected) == is_expected


async def test_an_answer_out_of_contract_is_kept(history):
    gateways = Gateways(Reply(500, {"code": "internal"}, replayed=False))
    load = workloads(gateways, history)

    async with asyncio.timeout(5):
        await load.ordinary(1)

    assert load._asking.tally.unexpected


# --- holds, refunds and limits


OPEN = Reply(
    201,
    {"id": "some hold", "status": "open", "captured": "0.00", "remaining": "9.00"},
    replayed=False,
)
PART = Reply(202, {"id": "some part", "status": "held", "amount": "1.25"}, replayed=True)
VOIDED = Reply(200, {"status": "voided", "captured": "1.00", "remaining": "0.00"}, replayed=False)
TOO_EARLY = Reply(409, {"code": "not_completed"}, replayed=False)


def test_every_kind_has_its_answers_and_what_is_kept_of_them():
    bodies: dict[Kind, dict[str, object]] = {
        Kind.DEPOSIT: {"id": "m"},
        Kind.WITHDRAWAL: {"id": "m"},
        Kind.TRANSFER: {"id": "t", "status": "held"},
        Kind.CANCEL: {"status": "cancelled", "reason": "cancelled_by_payer"},
        Kind.READ_TRANSFER: {
            "status": "completed",
            "reason": None,
            "amount_refunded": "1.00",
            "refunds": ["r"],
        },
        Kind.HOLD: OPEN.body,
        Kind.CAPTURE: PART.body,
        Kind.VOID: VOIDED.body,
        Kind.READ_HOLD: VOIDED.body,
        Kind.REFUND: PART.body,
        Kind.SET_LIMIT: {"daily": None, "spent": "1.00"},
        Kind.READ_BALANCE: {"balance": "1.00", "held": "0.00", "version": 3},
    }

    kept = {
        kind: told_answer(kind, Reply(200, body, replayed=False)) for kind, body in bodies.items()
    }

    assert kept.keys() == EXPECTED.keys() == set(Kind)
    assert kept[Kind.READ_TRANSFER].refunds == ("r",)
    assert kept[Kind.READ_TRANSFER].refunded == 100
    assert kept[Kind.VOID] == Answer(status=200, hold_status="voided", captured=100, remaining=0)
    assert kept[Kind.CAPTURE].amount == 125
    assert kept[Kind.SET_LIMIT] == Answer(status=200)


def test_a_refund_goes_back_from_who_was_paid():
    payer, payee = member(1), member(60)
    paid = Deal(id="t", payer=payer, payee=payee, amount=100)

    refund = Requests("test").part(Kind.REFUND, paid, by=payee, amount=30)
    capture = Requests("test").part(Kind.CAPTURE, paid, by=payer, final=False)

    assert isinstance(refund.told, AskPart)
    assert isinstance(capture.told, AskPart)
    assert (refund.told.payer, refund.told.payee) == (payee.id, payer.id)
    assert (capture.told.payer, capture.told.payee) == (payer.id, payee.id)
    assert (refund.path, refund.json) == ("/v1/transfers/t/refunds", {"amount": "0.30"})
    assert (capture.path, capture.json) == ("/v1/holds/t/capture", {"final": False})


async def test_whoever_ends_a_hold_races_with_the_others(history):
    gateways = Gateways(OPEN, PART, VOIDED, PART)

    await Shop(tools(gateways, history)).raced(1)

    assert sorted(asked(gateways)) == [
        ("POST", "/v1/holds/some hold/capture"),
        ("POST", "/v1/holds/some hold/capture"),
        ("POST", "/v1/holds/some hold/void"),
        ("POST", "/v1/wallets/holds"),
    ]


async def test_a_hold_that_was_refused_is_not_captured(history):
    for name in ("in_parts", "voided", "raced", "too_much", "late", "through_a_door"):
        gateways = Gateways(Reply(422, {"code": "insufficient_funds"}, replayed=False))

        await getattr(Shop(tools(gateways, history)), name)(1)

        assert len(gateways.asked) == 1


async def test_a_refund_that_came_too_early_is_asked_for_again_with_its_key(history, monkeypatch):
    monkeypatch.setattr("reliability.chaos.load.refunds._AGAIN_S", 0.0)
    seen = Reply(
        200,
        {"status": "completed", "reason": None, "amount_refunded": "0.00", "refunds": []},
        replayed=False,
    )
    gateways = Gateways(ACCEPTED, TOO_EARLY, TOO_EARLY, PART, PART, seen)

    await Refunds(tools(gateways, history)).whole(1)

    keys = [request.key for request, _ in gateways.asked[1:5]]
    assert keys[0] == keys[1] == keys[2] != keys[3]


async def test_a_limit_is_set_by_the_operator_around_what_is_spent(history):
    gateways = Gateways(Reply(200, {"daily": "1.00", "spent": "50.00"}, replayed=False))
    load = Limits(tools(gateways, history))

    for _ in range(20):
        await load.set_limit(1)

    requests = [request for request, _ in gateways.asked]
    assert {request.token for request in requests} == {"token of the operator"}
    daily = [(request.json or {})["daily"] for request in requests]
    assert any(limit is None for limit in daily)
    assert all(4_700 <= minor(str(limit)) <= 5_600 for limit in daily[5:] if limit is not None)


# --- wallets that close


def test_who_closes_next_is_paid_and_sometimes_who_has_closed():
    doorway = Doorway(CAST.doors, rng=random.Random(1))
    first, second, *_ = CAST.doors
    before = {doorway.payee().id for _ in range(100)}

    doorway.begin(first)
    at_first = {doorway.payee().id for _ in range(100)}
    doorway.end(first)
    doorway.begin(second)
    then = Counter(doorway.payee().id for _ in range(100))

    assert before == {door.id for door in CAST.doors}
    assert at_first == {first.id}
    assert then.keys() == {first.id, second.id}
    assert then[second.id] > then[first.id]
    assert {doorway.next().id for _ in range(100)} == {second.id}


def seen_balance(balance: str, held: str) -> Reply:
    return Reply(200, {"balance": balance, "held": held, "version": 1}, replayed=False)


class Refusing(Operators):
    """Says so often that a wallet is not empty, and keeps who was closed."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.closed: list[str] = []

    @override
    async def act(self, member: Member, act: UserAct) -> None:
        assert act is UserAct.CLOSE
        if self.refusals:
            self.refusals -= 1
            raise WalletNotEmptyError(member.id)
        self.closed.append(member.id)


async def test_a_wallet_is_emptied_of_what_is_available_until_it_can_be_closed(
    history, monkeypatch
):
    monkeypatch.setattr("reliability.chaos.doors._AGAIN_S", 0.0)
    moved = Reply(201, {"id": "some movement"}, replayed=False)
    gateways = Gateways(
        seen_balance("5.00", "1.25"), moved, seen_balance("1.25", "0.00"), moved, moved
    )
    operators = Refusing(1)

    await Doors(operators, tools(gateways, history), within_s=0.0)._close(CAST.doors[0])

    assert operators.closed == [CAST.doors[0].id]
    withdrawn = [request.json for request, _ in gateways.asked if request.method == "POST"]
    assert [(json or {})["amount"] for json in withdrawn] == ["3.75", "1.25"]


async def test_a_wallet_that_does_not_get_empty_stays_open(history, monkeypatch):
    monkeypatch.setattr("reliability.chaos.doors._AGAIN_S", 0.0)
    operators = Refusing(1_000)

    gateways = Gateways(seen_balance("0.00", "0.00"))
    await Doors(operators, tools(gateways, history), within_s=0.0)._close(CAST.doors[0])

    assert operators.closed == []
    assert 0 < operators.refusals < 1_000


# --- what it must have come to


def test_a_run_in_which_none_of_it_happened_fails():
    asked_for = {parse_minimum(text) for text in SMOKE.minimums.of_load()}

    missing = unmet(asked_for, {})

    assert {one.what for one in missing} == {
        *(f"ending={ending}" for ending in (*ENDINGS, *CLOSINGS)),
        *PARTS,
        *(f"answer={code}" for code in REFUSALS),
    }


def test_refusals_are_answers_that_there_are_and_that_are_told_of():
    told = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text(encoding="utf-8")

    assert set(REFUSALS) <= KINDS.keys()
    assert all(f"`{code}`" in told for code in REFUSALS)
