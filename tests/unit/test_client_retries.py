"""When the client sends a request again, what it says meanwhile, and when it gives up."""

import pytest

from client import (
    ConflictError,
    DeclinedError,
    NoAnswerError,
    NotOverError,
    ProblemError,
    Retries,
    SignInError,
    TransferOrder,
    TryLaterError,
    UnexpectedAnswerError,
)
from client.retries import pause_s
from tests.unit.client_rig import (
    LOST,
    NEVER_SENT,
    OTHER,
    USER,
    Script,
    Time,
    answer,
    holdfast_of,
    problem,
    session_of,
    shown_transfer,
)

ORDER = TransferOrder(to=OTHER, currency="EUR", amount="12.50", key="k1")
HELD = answer(shown_transfer(), 202)
AGAIN = answer(shown_transfer(), 202, idempotency_replayed="true")
BUSY = problem(503, "busy", retry_after="1")
UNKNOWN = problem(503, "commit_unknown", retry_after="1")


@pytest.mark.parametrize(
    "first", [LOST, NEVER_SENT, BUSY, UNKNOWN, problem(429, "rate_limited", retry_after="1")]
)
async def test_what_is_not_known_is_asked_for_again_with_the_same_key(first):
    script = Script(first, AGAIN)
    session = session_of(script)

    transfer = await session.transfers.order(ORDER)

    assert script.keys == ["k1", "k1"]
    assert script.sent[0] == script.sent[1]
    assert (transfer.answer.replayed, transfer.answer.attempts) == (True, 2)
    assert (transfer.answer.key, transfer.answer.trace_id) == ("k1", "trace-1")


async def test_a_key_is_made_where_none_is_given_and_stays_over_repeats():
    script = Script(LOST, HELD, HELD)
    session = session_of(script)

    first = await session.transfers.create(to=OTHER, currency="EUR", amount="1.00")
    other = await session.transfers.create(to=OTHER, currency="EUR", amount="1.00")

    made, repeated, new = script.keys
    assert made == repeated == first.answer.key
    assert new == other.answer.key != made


async def test_a_repeat_comes_not_sooner_than_the_gateway_says():
    time = Time()

    await session_of(Script(BUSY, LOST, HELD), time, first_s=0.1).transfers.order(ORDER)

    assert time.slept == pytest.approx([1.1, 0.2])


def test_pauses_double_up_to_a_cap_and_chance_takes_up_to_half_away():
    bounds = Retries(first_s=0.1, cap_s=2.0)
    pauses = [
        pause_s(bounds, attempt=attempt, told_s=0.0, chance=0.0) for attempt in (1, 2, 5, 6, 99)
    ]

    assert pauses == pytest.approx([0.1, 0.2, 1.6, 2.0, 2.0])
    # Nothing of what the gateway asks for.
    assert pause_s(bounds, attempt=9, told_s=3.0, chance=0.999_999) == pytest.approx(4.0, abs=1e-5)


async def test_attempts_are_bounded_and_it_is_told_that_nothing_has_happened():
    script = Script(BUSY)

    with pytest.raises(TryLaterError, match="same key") as refused:
        await session_of(script, attempts=3).transfers.order(ORDER)

    assert len(script.sent) == 3
    assert (refused.value.code, refused.value.retry_after) == ("busy", 1.0)
    assert (refused.value.trace_id, refused.value.answer.attempts) == ("trace-1", 3)


async def test_the_time_of_all_attempts_is_bounded():
    time, script = Time(), Script(problem(429, "too_much_in_flight", retry_after="10"))

    with pytest.raises(TryLaterError):
        await session_of(script, time, within_s=25.0).transfers.order(ORDER)

    assert len(script.sent) == 3
    assert sum(time.slept) <= 25.0


@pytest.mark.parametrize(
    ("steps", "last"),
    [
        ([LOST], "connection reset"),
        ([UNKNOWN], "503 commit_unknown"),
        ([UNKNOWN, NEVER_SENT], "connection refused"),
        # Whether the first one has happened, these do not say.
        ([LOST, problem(503, "shard_unavailable")], "503 shard_unavailable"),
        ([LOST, problem(401, "invalid_token")], "401 invalid_token"),
        ([LOST, problem(403, "operator_only")], "403 operator_only"),
        ([problem(500, "internal_error")], "500 internal_error"),
    ],
)
async def test_who_does_not_know_whether_it_happened_is_told_the_key(steps, last):
    with pytest.raises(NoAnswerError) as unknown:
        await session_of(Script(*steps), attempts=4).transfers.order(ORDER)

    assert (unknown.value.key, unknown.value.may_have_happened) == ("k1", True)
    assert last in str(unknown.value)
    assert "with the key 'k1'" in str(unknown.value)


async def test_no_attempt_lasts_much_longer_than_all_of_them_may():
    script = Script(LOST)

    with pytest.raises(NoAnswerError):
        await session_of(script, within_s=4.0, attempts=3, first_s=1.0).wallet.get()

    assert script.timeouts == [6.0, 5.0, 3.0]


async def test_what_never_left_has_not_happened():
    with pytest.raises(NoAnswerError, match="Nothing has happened") as unknown:
        await session_of(Script(NEVER_SENT), attempts=4).transfers.order(ORDER)

    assert (unknown.value.attempts, unknown.value.may_have_happened) == (4, False)


async def test_what_only_reads_has_not_happened_either():
    session = session_of(Script(LOST), attempts=2)

    with pytest.raises(NoAnswerError, match="Nothing has happened"):
        await session.wallet.get()


async def test_a_refusal_after_a_lost_answer_is_the_answer_of_the_key():
    script = Script(LOST, problem(422, "insufficient_funds", idempotency_replayed="true"))

    with pytest.raises(DeclinedError) as refused:
        await session_of(script).transfers.order(ORDER)

    assert refused.value.answer.replayed


@pytest.mark.parametrize("call", ["cancel", "void", "limit", "freeze", "get"])
async def test_what_needs_no_key_is_repeated_without_one(call):
    script = Script(LOST, BUSY, problem(404, "not_found"))
    session = session_of(script)
    calls = {
        "cancel": lambda: session.transfers.cancel("t"),
        "void": lambda: session.holds.void("h"),
        "limit": lambda: session.wallet.set_limit("EUR", daily="1.00"),
        "freeze": lambda: session.operator.freeze(USER, reason="r"),
        "get": lambda: session.transfers.get("t"),
    }

    with pytest.raises(ProblemError, match="404 not_found"):
        await calls[call]()

    assert script.keys == [None] * 3


@pytest.mark.parametrize("status", [200, 400, 418, 500, 502])
async def test_an_answer_out_of_contract_is_told_and_not_repeated(status):
    script = Script(answer("<html>", status))

    with pytest.raises(UnexpectedAnswerError, match=f"answered with {status}"):
        await session_of(script).transfers.cancel("t1")

    assert len(script.sent) == 1


async def test_a_batch_is_sent_again_while_items_are_told_later():
    busy = {"status": 503, "code": "busy", "title": "B", "detail": "D", "trace_id": "t"}
    first = {"key": "k1", "status": 202, "transfer": shown_transfer()}
    second = {"key": "k2", "status": 503, "problem": busy}
    later = answer({"results": [first, second]}, 207, retry_after="1")
    done = answer({"results": [first, {**first, "key": "k2"}]}, 207)
    orders = [ORDER, TransferOrder(to=OTHER, currency="EUR", amount="1.00", key="k2")]

    script = Script(later, done)
    batch = await session_of(script).transfers.create_batch(orders)
    given_up = await session_of(Script(later), attempts=2).transfers.create_batch(orders)

    assert [result.status for result in batch.results] == [202, 202]
    assert script.sent[0] == script.sent[1]
    one, two = given_up.results
    assert one.transfer is not None
    assert two.problem is not None
    assert (two.transfer, two.problem.code) == (None, "busy")


USER_SHOWN = {
    "id": USER,
    "email": "a@example.com",
    "name": None,
    "status": "open",
    "created_at": "2026-01-31T23:59:59.000001Z",
}
TOKEN = answer({"access_token": "t", "token_type": "Bearer", "expires_in": 60})
TAKEN = problem(409, "email_taken")


async def test_an_email_that_a_lost_answer_has_taken_is_ours():
    script = Script(LOST, TAKEN, TOKEN, answer(USER_SHOWN), answer(USER_SHOWN))

    async with holdfast_of(script) as holdfast:
        user = await holdfast.register("a@example.com", "password")

    assert user.id == USER


@pytest.mark.parametrize(
    "steps", [[TAKEN], [BUSY, TAKEN, problem(401, "invalid_credentials")]], ids=["at once", "later"]
)
async def test_an_email_that_somebody_else_has_taken_is_told(steps):
    async with holdfast_of(Script(*steps)) as holdfast:
        with pytest.raises(ConflictError, match="409 email_taken"):
            await holdfast.register("a@example.com", "password")


async def test_a_token_that_has_ended_is_its_own_error():
    async with holdfast_of(Script(problem(401, "invalid_token"))) as holdfast:
        with pytest.raises(SignInError, match="log in again"):
            await holdfast.resume("old")


async def test_waiting_ends_with_the_transfer():
    script = Script(answer(shown_transfer()), LOST, answer(shown_transfer("completed")))

    transfer = await session_of(script).transfers.wait("t", within_s=60)

    assert transfer.is_over
    assert [request.headers["Prefer"] for request in script.sent] == ["wait=30"] * 3
    assert script.timeouts == [45.0] * 3


async def test_waiting_ends_with_the_time_and_asks_no_oftener_than_twice_a_second():
    time, script = Time(), Script(answer(shown_transfer("debited")))

    with pytest.raises(NotOverError, match="is debited after 3 s"):
        await session_of(script, time).transfers.wait("t", within_s=3)

    assert sum(time.slept) == pytest.approx(3.0)
    assert len(script.sent) == 7


async def test_health_and_readiness_are_asked_once():
    ready = {"status": "unavailable", "shards": {"shard0": "down"}, "kafka": "up"}
    script = Script(answer(ready, 503), NEVER_SENT)

    async with holdfast_of(script) as holdfast:
        readiness = await holdfast.ready()
        alive = await holdfast.is_alive()

    assert (readiness.status, dict(readiness.shards)) == ("unavailable", {"shard0": "down"})
    assert not alive
    assert len(script.sent) == 2
