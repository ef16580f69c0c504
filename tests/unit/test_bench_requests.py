"""Bytes that the load client sends: requests as the contract has them, tokens as the gateway's."""

from uuid import UUID, uuid4

import orjson
import pytest

from bench.cases import Mode, Workload
from bench.load.plan import LoadPlan
from bench.load.requests import Requests
from gateway.tokens import Tokens

_SECRET = "no secret" * 4
_USERS = [str(uuid4()) for _ in range(20)]


def plan(mode: Mode, workload: Workload = Workload.RANDOM) -> LoadPlan:
    return LoadPlan(
        port=8080,
        jwt_secret=_SECRET,
        dsns=[],
        users=_USERS,
        shard_of=[number % 2 for number in range(len(_USERS))],
        mode=mode,
        workload=workload,
        clients=4,
        rate=None,
        batch_items=100,
        open_max=16,
        warmup_s=0.0,
        seconds=1.0,
        after_s=0.0,
        drain_s=1.0,
        seed=1,
        key="bench0",
    )


def taken_apart(request: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = dict(field.split(": ", 1) for field in fields)
    assert int(headers["Content-Length"]) == len(body)
    return line, headers, body


def test_a_plan_comes_over_as_it_was():
    told = plan(Mode.OPEN)

    assert LoadPlan.from_line(told.to_line()) == told


def test_a_transfer_is_from_the_wallet_of_its_token_to_another():
    line, headers, body = taken_apart(Requests(plan(Mode.POST)).next())

    payer = line.split("/")[3]
    principal = Tokens(_SECRET, ttl_s=60).verify(headers["Authorization"].removeprefix("Bearer "))
    assert line == f"POST /v1/wallets/{payer}/transfers HTTP/1.1"
    assert principal.user_id == UUID(payer)
    sent = orjson.loads(body)
    assert sent["to"] in set(_USERS) - {payer}
    assert sent == {"to": sent["to"], "currency": "EUR", "amount": "1.00"}
    assert "Prefer" not in headers


def test_who_waits_says_so():
    _, headers, _ = taken_apart(Requests(plan(Mode.WAIT)).next())

    assert headers["Prefer"] == "wait=30"


def test_every_key_is_new():
    requests = Requests(plan(Mode.POST))

    keys = [taken_apart(requests.next())[1]["Idempotency-Key"] for _ in range(1_000)]

    assert len(set(keys)) == 1_000


def test_a_batch_has_a_hundred_items_of_one_payer_with_keys_of_their_own():
    requests = Requests(plan(Mode.BATCH))
    line, headers, body = taken_apart(requests.next())
    _, _, other = taken_apart(requests.next())

    payer = line.split("/")[3]
    items = orjson.loads(body)["transfers"]
    keys = {item["key"] for item in items} | {i["key"] for i in orjson.loads(other)["transfers"]}
    assert line == f"POST /v1/wallets/{payer}/transfers/batch HTTP/1.1"
    assert "Idempotency-Key" not in headers
    assert len(items) == 100
    assert len(keys) == 200
    assert all(item["to"] != payer for item in items)


@pytest.mark.parametrize("mode", [Mode.POST, Mode.BATCH])
def test_some_ask_for_too_much_where_that_is_the_workload(mode: Mode):
    requests = Requests(plan(mode, Workload.REFUSED))

    sent = b"".join(requests.next() for _ in range(2_000))

    assert b"99999999999999999.00" in sent
    assert sent.count(b'"1.00"') > 50 * sent.count(b"99999999999999999.00")
