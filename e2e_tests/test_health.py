"""GET /health and /ready, and what a gateway answers while a shard or Kafka is away."""

from collections.abc import Collection
from itertools import count

from devstack.ports import free_port
from e2e_tests.answers import refused, unchanged
from e2e_tests.client import Answer, Client, Member, new_key
from e2e_tests.operators import make_operator
from e2e_tests.system import BUCKETS, System
from shards.ids import currency_bucket, email_bucket
from tests.eventually import eventually

_numbers = count(1)


async def without(system: System, *names: str) -> Client:
    """A gateway that cannot reach these shards, nor Kafka if it is named."""
    nowhere = f"127.0.0.1:{free_port()}"
    settings = system.settings
    shards = tuple(
        s.model_copy(update={"dsn": f"postgresql://x@{nowhere}/x"}) if s.name in names else s
        for s in settings.shards
    )
    kafka = settings.kafka.model_copy(update={"bootstrap": nowhere} if "kafka" in names else {})
    system.settings = settings.model_copy(update={"shards": shards, "kafka": kafka})
    client = await system.start_gateway()
    system.settings = settings
    return client


def email_on(system: System, shard: str) -> str:
    """A new e-mail whose user lives on this shard."""
    buckets = next(d.buckets for d in system.databases if d.name == shard)
    emails = (f"at{number}@example.com" for number in _numbers)
    return next(email for email in emails if email_bucket(email, BUCKETS) in buckets)


def home_of_eur(system: System) -> str:
    """The shard that has the row of EUR."""
    bucket = currency_bucket("EUR", BUCKETS)
    return next(d.name for d in system.databases if bucket in d.buckets)


async def test_alive(client: Client):
    health = await client.call("GET", "/health")

    assert (health.status, health.body) == (200, {"status": "alive"})


async def test_what_is_away_is_told(system: System):
    for away, status, word in [
        ((), 200, "ready"),
        (("kafka",), 200, "degraded"),
        (("shard0",), 200, "degraded"),
        (("shard1", "kafka"), 200, "degraded"),
        (("shard0", "shard1"), 503, "unavailable"),
        (("shard0", "shard1", "kafka"), 503, "unavailable"),
    ]:
        client = await without(system, *away)
        await eventually(lambda: looks(client, away, status, word))  # noqa: B023 - called here
        assert (await client.call("GET", "/health")).status == 200


async def looks(client: Client, away: Collection[str], status: int, word: str) -> None:
    """Whether /ready says so; a gateway has no connection to Kafka in its first moment."""
    ready = await client.call("GET", "/ready")
    state = {name: "down" if name in away else "up" for name in ("shard0", "shard1", "kafka")}
    kafka = state.pop("kafka")
    assert (ready.status, ready.body) == (
        status,
        {"status": word, "shards": state, "kafka": kafka},
    )


def is_away(answer: Answer) -> bool:
    """Whether an answer says that a shard is away, and when to come back."""
    assert refused(answer) == (503, "shard_unavailable")
    return int(answer.headers["Retry-After"]) >= 1


async def test_who_lives_on_a_shard_that_is_away_is_told_to_come_back(
    system: System, client: Client
):
    eur = home_of_eur(system)
    away = next(d.name for d in system.databases if d.name != eur)
    bob = await client.member(email=email_on(system, away), EUR="5.00")
    transfer = (await client.transfer(bob, email_on(system, eur), "1")).body
    other = await without(system, away)
    credentials = {"email": bob.email, "password": "correct horse battery"}
    money = {"currency": "EUR", "amount": "1"}

    async with unchanged(system):
        assert transfer["code"] == "unknown_payee"
        assert is_away(await other.call("GET", "/v1/me", by=bob))
        assert is_away(await other.call("POST", "/v1/auth/login", credentials))
        new = {**credentials, "email": email_on(system, away)}
        assert is_away(await other.call("POST", "/v1/users", new))
        for path in ["", "/balances/EUR", "/entries", "/transfers"]:
            assert is_away(await other.call("GET", bob.wallet + path, by=bob)), path
        for path in ["deposits", "withdrawals", "transfers"]:
            body = {**money, "to": email_on(system, eur)} if path == "transfers" else money
            answer = await other.call("POST", f"{bob.wallet}/{path}", body, by=bob, key=new_key())
            assert is_away(answer), path
        for method, path in [("GET", ""), ("POST", "/cancel")]:
            answer = await other.call(method, f"/v1/transfers/{bob.id}{path}", by=bob)
            assert is_away(answer), path


async def pair(system: System, client: Client) -> tuple[Member, Member, str]:
    """Alice on a shard that stays, Bob on one that goes, and the name of that."""
    eur = home_of_eur(system)
    away = next(d.name for d in system.databases if d.name != eur)
    alice = await client.member(email=email_on(system, eur), EUR="5.00")
    return alice, await client.member(email=email_on(system, away)), away


async def test_a_payee_on_a_shard_that_is_away_is_taken_on_trust_by_id_only(
    system: System, client: Client
):
    alice, bob, away = await pair(system, client)
    other = await without(system, away)

    by_email = await other.transfer(alice, bob.email, "1.00", key="key")
    by_id = await other.transfer(alice, bob.id, "1.00")
    again = await client.transfer(alice, bob.email, "1.00", key="key")

    assert is_away(by_email)
    assert (by_id.status, by_id.body["status"]) == (202, "held")
    assert (again.status, "Idempotency-Replayed" in again.headers) == (202, False)


async def test_what_needs_only_shards_that_are_up_goes_on(system: System, client: Client):
    alice, _, away = await pair(system, client)
    other = await without(system, away, "kafka")

    answers = [
        await other.call("GET", "/v1/me", by=alice),
        await other.deposit(alice, "1.00"),
        await other.withdraw(alice, "1.00"),
        await other.call("GET", alice.wallet, by=alice),
        await other.call("GET", f"{alice.wallet}/entries", by=alice),
        await other.call("GET", "/v1/currencies/EUR"),
    ]
    await other.member(email=email_on(system, home_of_eur(system)))

    assert [answer.status for answer in answers] == [200, 201, 201, 200, 200, 200]


async def test_an_unknown_payee_taken_on_trust_gets_the_money_returned(
    system: System, client: Client
):
    alice, bob, away = await pair(system, client)
    nobody = bob.id[:-4] + ("0000" if bob.id[-4:] != "0000" else "1111")
    other = await without(system, away)
    held = await other.transfer(alice, nobody, "1.00")
    ops = await make_operator(system, client)
    assert refused(await client.refund(ops, held.body["id"])) == (409, "not_completed")
    await system.start_worker()

    end = await client.get_transfer(alice, held.body["id"], wait=10)

    assert (end.body["status"], end.body["reason"]) == ("refunded", "unknown_payee")
    assert refused(await client.refund(ops, held.body["id"])) == (409, "not_completed")
    assert await client.balance(alice) == ("5.00", "0.00")
