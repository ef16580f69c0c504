"""What processes write of themselves: one JSON object a line, and no secret in it, at any level."""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, create_subprocess_exec
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from devstack.kafka import KafkaBroker
from devstack.ports import free_port
from devstack.postgres import PostgresServer
from e2e_tests.client import Answer, Client, Member, new_key
from e2e_tests.operators import make_operator
from e2e_tests.security.hostile_texts import OF_SEVERAL_LINES
from e2e_tests.system import System
from e2e_tests.topic_tools import open_topics
from tests.eventually import eventually

# Whatever it is, this is in it, and no log has it.
CANARY = "kanarienvogel"
_EMAILS = {"alice": f"{CANARY}-alice@vogel.example", "bob": f"{CANARY}-bob@vogel.example"}
_PASSWORD = f"{CANARY} password"
# An amount that nothing else has for a number, as it is shown and as it is stored.
_BALANCE, _MINOR = "7391.53", "739153"


@dataclass(slots=True)
class Journey:
    """A client that keeps what it was told: tokens are secrets, too."""

    client: Client
    secrets: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)

    async def call(self, method: str, path: str, json: object = None, **more: Any) -> Answer:
        """As `Client.call`, with a key that is a canary."""
        more.setdefault("key", f"{CANARY}-key-{new_key()}")
        answer = await self.client.call(method, path, json, **more)
        self.statuses.add(answer.status)
        return answer

    async def member(self, name: str) -> Member:
        """A user whose e-mail, name and password are canaries."""
        email = _EMAILS[name]
        body = {"email": email, "password": _PASSWORD, "name": f"{CANARY} name"}
        user = await self.call("POST", "/v1/users", body)
        assert user.status == 201, user
        return await self.login(Member(user.body["id"], email, token=""))

    async def login(self, member: Member) -> Member:
        """The member with a new token."""
        body = {"email": member.email, "password": _PASSWORD}
        answer = await self.call("POST", "/v1/auth/login", body)
        token = answer.body["access_token"]
        # Each part would be enough to make the others of.
        self.secrets |= {token, *token.split(".")[1:]}
        return replace(member, token=token)


@pytest.fixture
def talkative(system: System) -> System:
    """A system at level debug, whose every secret is a canary."""
    system.change(
        log={"level": "debug", "format": "json"},
        auth={"jwt_secret": SecretStr(f"{CANARY} signs tokens 0123456789")},
        messages={"keys": {"k1": SecretStr(f"{CANARY} signs messages 0123456789")}},
        # Nobody is there: each look for it is a reason to say its address.
        limits={"redis": SecretStr(f"redis://:{CANARY}@127.0.0.1:{free_port()}/0")},
    )
    system.databases = [
        replace(database, dsn=database.dsn.replace("holdfast@", f"holdfast:{CANARY}@"))
        for database in system.databases
    ]
    return system


async def everything_that_is_done(journey: Journey, system: System) -> tuple[Member, Member]:
    """Each kind of request, taken."""
    alice, bob = await journey.member("alice"), await journey.member("bob")
    metadata = {f"{CANARY} key": f"{CANARY} value"}
    money = {"currency": "EUR", "amount": _BALANCE, "metadata": metadata}
    paid = {**money, "to": _EMAILS["bob"], "amount": "11.11"}
    deposit = await journey.call("POST", f"{alice.wallet}/deposits", money, by=alice)
    transfer = await journey.call(
        "POST", f"{alice.wallet}/transfers", paid, by=alice, headers={"Prefer": "wait=10"}
    )
    hold = await journey.call("POST", f"{alice.wallet}/holds", {**paid, "to": bob.id}, by=alice)
    path = f"/v1/holds/{hold.body['id']}"
    captured = await journey.call("POST", f"{path}/capture", {"amount": "1.00"}, by=bob)
    refund = await journey.call("POST", f"/v1/transfers/{transfer.body['id']}/refunds", by=bob)
    batch = {"transfers": [{**paid, "key": f"{CANARY}-{n}", "amount": "0.01"} for n in range(3)]}
    batched = await journey.call("POST", f"{alice.wallet}/transfers/batch", batch, by=alice)
    operator = await make_operator(system, journey.client)
    reason = {"reason": f"{CANARY} reason"}
    for verb in ("freeze", "unfreeze"):
        await journey.call("POST", f"/v1/users/{bob.id}/{verb}", reason, by=operator)
    limit = {"daily": _BALANCE, **reason}
    await journey.call("PUT", f"{alice.wallet}/limits/EUR", limit, by=operator)
    for what in ("", "/entries", "/transfers", "/balances/EUR", "/limits/EUR"):
        await journey.call("GET", alice.wallet + what, by=alice)
    assert (deposit.status, transfer.status, captured.status, refund.status, batched.status) == (
        *(201, 201, 202, 202),
        207,
    )
    return alice, bob


async def everything_that_is_refused(journey: Journey, alice: Member, bob: Member) -> None:
    """Each kind of refusal, with canaries wherever a client can put one."""
    money: dict[str, Any] = {"currency": "EUR", "amount": "99999.00", "to": bob.id}
    path = f"{alice.wallet}/transfers"
    taken = {"email": alice.email.upper(), "password": _PASSWORD}
    await journey.call("POST", "/v1/users", taken)
    await journey.call("POST", "/v1/users", {**taken, "password": CANARY[:7]})
    await journey.call("POST", "/v1/users", {**taken, CANARY: CANARY})
    for email in (alice.email, f"{CANARY}-nobody@vogel.example", CANARY):
        body = {"email": email, "password": f"{CANARY} wrong"}
        await journey.call("POST", "/v1/auth/login", body)
    for value in (f"Bearer {CANARY}", f"Basic {CANARY}", f"Bearer {alice.token}x"):
        await journey.call("GET", "/v1/me", headers={"Authorization": value})
    for query in (f"access_token={alice.token}", f"{CANARY}=1", f"cursor={CANARY}"):
        await journey.call("GET", f"{path}?{query}", by=alice)
    for there in (f"/v1/{CANARY}", f"/v1/transfers/{CANARY}", f"/v1/currencies/{CANARY}"):
        await journey.call("GET", there, by=alice)
    await journey.call("POST", path, money, by=alice)
    await journey.call("POST", path, {**money, "amount": CANARY}, by=alice)
    await journey.call("POST", path, {**money, "to": f"{CANARY}@vogel.example"}, by=alice)
    await journey.call("POST", path, {**money, "metadata": {CANARY: 5}}, by=alice)
    await journey.call("POST", path, data=b'{"a": "%b"' % CANARY.encode(), by=alice)
    await journey.call("POST", path, money, by=alice, key=CANARY * 30)
    for amount in ("1.00", "2.00"):
        body = {**money, "amount": amount}
        await journey.call("POST", path, body, by=alice, key=f"{CANARY}-twice")
    text = {"Content-Type": f"text/{CANARY}"}
    await journey.call("POST", path, data=CANARY.encode(), by=alice, headers=text)
    await journey.call("POST", path, data=b" " * 70_000 + CANARY.encode(), by=alice)
    for line in OF_SEVERAL_LINES:
        await journey.call("POST", "/v1/users", {**taken, "name": line})
        await journey.call("POST", path, {**money, "metadata": {CANARY: line}}, by=alice)


async def what_breaks(journey: Journey, system: System, alice: Member) -> None:
    """Requests that fail in the middle: the database is not what it should be for a while."""
    shard = system.databases[system.shard_number(alice.id)]
    money = {"currency": "EUR", "amount": "1.00", "metadata": {CANARY: CANARY}}
    for table, column in (("users", "email"), ("accounts", "balance"), ("movements", "metadata")):
        renamed = f"ALTER TABLE {table} RENAME COLUMN %s TO %s"
        await system.sql_at(shard.dsn, renamed % (column, "broken"))
        try:
            body = {"email": alice.email, "password": _PASSWORD}
            await journey.call("POST", "/v1/auth/login", body)
            await journey.call("POST", "/v1/users", body)
            await journey.call("GET", alice.wallet, by=alice)
            await journey.call("POST", f"{alice.wallet}/deposits", money, by=alice)
        finally:
            await system.sql_at(shard.dsn, renamed % ("broken", column))
    async with open_topics(system) as topics:
        for topic in system.topics.steps:
            await topics.write(topic, f'{{"{CANARY}": "{CANARY}"'.encode())
            await topics.write(topic, json.dumps({"step": CANARY, "mac": CANARY}).encode())


def written_since(path: Path, offset: int) -> str:
    """What a log has got since it was so long."""
    with path.open("rb") as log:
        log.seek(offset)
        return log.read().decode(errors="replace")


async def test_a_journey_leaves_no_secret_in_any_log(
    talkative: System, postgres: PostgresServer, kafka: KafkaBroker
):
    servers = [postgres.log_path, kafka.log_path, kafka.log_path.with_suffix(".out")]
    offsets = {path: path.stat().st_size for path in servers if path.exists()}
    async with asyncio.TaskGroup() as group:
        spawning = group.create_task(talkative.spawn_gateway())
        group.create_task(talkative.spawn_worker())
    client = spawning.result()
    await talkative.until_it_has_everything(client)
    journey = Journey(client)

    alice, bob = await everything_that_is_done(journey, talkative)
    await everything_that_is_refused(journey, alice, bob)
    await what_breaks(journey, talkative, alice)
    await talkative.drained()

    async def set_aside() -> bool:
        found = await talkative.sql_everywhere("SELECT count(*) AS n FROM dead_letters")
        return sum(row["n"] for row in found) >= 6

    assert await eventually(set_aside)
    assert {200, 201, 202, 400, 401, 404, 409, 413, 415, 422, 500} <= journey.statuses
    logs = {one.log: one.log.read_text() for one in talkative.spawned}
    events = [json.loads(line) for text in logs.values() for line in text.splitlines()]
    # It was all there to be written: at this level, of these requests, and of what broke.
    assert {event["level"] for event in events} >= {"debug", "info", "error"}
    assert len([e for e in events if e["event"] == "request.finished"]) > 60
    assert len([e for e in events if e["event"] == "request.failed"]) >= 3
    assert not any("forged" in str(event["event"]) for event in events)
    texts = {**logs, **{path: written_since(path, at) for path, at in offsets.items()}}
    assert '"broken"' in texts[postgres.log_path] or "does not exist" in texts[postgres.log_path]
    secrets = {CANARY, _BALANCE, _MINOR, "$argon2", *journey.secrets}
    for path, text in texts.items():
        for line in text.splitlines():
            found = [secret for secret in secrets if secret.lower() in line.lower()]
            assert not found, (path.name, found, line)
        assert "\x1b" not in text, path.name


async def test_a_weak_secret_is_refused_at_the_start_and_not_told(system: System, tmp_path: Path):
    secret = f"{CANARY} too short"
    system.change(auth={"jwt_secret": SecretStr(secret)})
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "gateway"),
        env={**system._environment(), "HOLDFAST_GATEWAY__PORT": "0"},
        cwd=tmp_path,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate()

    assert process.returncode == 78
    assert "token secret" in err.decode()
    assert secret not in (out + err).decode()
