"""The load of the nemesis: what it must get right for the checker to be able to judge it."""

import asyncio
import random
from pathlib import Path
from uuid import UUID

import pytest
from typing_extensions import override

from reliability.chaos.load.asking import Asking, Tally, minor, spelled
from reliability.chaos.load.cast import CHILLED, HOT, LADDER_STEPS, Cast, Member
from reliability.chaos.load.http import Http, Reply, Request
from reliability.chaos.load.operator import Operator
from reliability.chaos.load.workloads import Workloads
from reliability.history import HistoryWriter, Kind
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
    doors=[member(30 + number) for number in range(3)],
    chilled=[member(40 + number) for number in range(CHILLED)],
    closed=member(50),
    frozen=member(51),
    operator=member(52),
)


@pytest.fixture
def history(tmp_path: Path):
    with HistoryWriter(tmp_path / "history" / "clients.jsonl") as writer:
        yield writer


def workloads(gateways: Gateways, history: HistoryWriter, *, patient: bool = True) -> Workloads:
    rng = random.Random(1)
    asking = Asking(gateways, history, rng=Dice(0.99 if patient else 0.0))
    operator = Operator(gateways, CAST)
    return Workloads(asking, CAST, tag="test", rng=rng, operator=operator, door_every_s=0.0)


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


async def test_each_door_is_closed_once_and_right_after_it_was_paid(history):
    gateways = Gateways(ACCEPTED)
    load = workloads(gateways, history)

    for _ in range(len(CAST.doors) + 2):
        await load.through_a_door(1)

    paths = [request.path for request, _ in gateways.asked]
    closed = [path for path in paths if path.endswith("/close")]
    assert sorted(closed) == sorted(f"/v1/users/{door.id}/close" for door in CAST.doors)
    for door in CAST.doors:
        paid = [
            place
            for place, (request, _) in enumerate(gateways.asked)
            if (request.json or {}).get("to") == door.id
        ]
        assert paid[0] < paths.index(f"/v1/users/{door.id}/close")


@pytest.mark.parametrize(
    ("status", "is_expected"), [(200, True), (409, True), (403, False), (404, False), (500, False)]
)
async def test_what_an_operator_may_be_answered(status: int, is_expected: bool):
    operator = Operator(Gateways(Reply(status, {}, replayed=False)), CAST)

    await operator.close(CAST.doors[0])

    assert (not operator.unexpected) == is_expected


async def test_an_operator_asks_the_other_gateway_for_what_was_not_answered():
    gateways = Gateways(NONE, Reply(200, {}, replayed=False))

    await Operator(gateways, CAST).close(CAST.doors[0])

    (first, one), (second, other) = gateways.asked
    assert first == second
    assert other == one + 1


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
