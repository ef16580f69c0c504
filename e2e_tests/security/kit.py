"""What the tests of the front door have in common: who is there, and that nothing has changed."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import jwt

from e2e_tests.answers import refused
from e2e_tests.client import Answer, Client, Member
from e2e_tests.system import System
from gateway.app import create_app
from reliability.fuzz.rows import digest


@asynccontextmanager
async def nothing_changed(system: System) -> AsyncIterator[None]:
    """What happens inside changes no row of any table of any shard."""
    dsns = [database.dsn for database in system.databases]
    before = dict(await digest(dsns))
    assert {"0:users", "0:accounts", "0:transfers", "0:entries", "0:outbox"} < {*before}
    yield
    after = dict(await digest(dsns))
    assert after == before, {name for name in before if before[name] != after[name]}


def routes(system: System) -> set[tuple[str, str]]:
    """Method and path of each route that the gateway has."""
    return {
        (route.method, route.resource.canonical)
        for route in create_app(system.settings).router.routes()
        if route.resource is not None and route.method != "HEAD"
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Alice pays Carol, and has something of each kind; Bob is a stranger to both.

    `ids` are Alice's, by the name that a path has for them.
    """

    alice: Member
    bob: Member
    carol: Member
    ids: dict[str, str]


async def scene(client: Client) -> Scene:
    """That, at a gateway without a worker: what is held stays held."""
    alice, bob = await client.member(EUR="100.00"), await client.member(EUR="100.00")
    carol = await client.member(EUR="100.00")
    transfer = await client.transfer(alice, carol, "1.00")
    hold = await client.hold(alice, carol, "1.00")
    entries = await client.call("GET", f"{alice.wallet}/entries", by=alice)
    return Scene(
        alice=alice,
        bob=bob,
        carol=carol,
        ids={
            "user_id": alice.id,
            "transfer_id": transfer.body["id"],
            "hold_id": hold.body["id"],
            "hash": entries.body["data"][0]["hash"],
        },
    )


def without_trace(answer: Answer) -> dict[str, Any]:
    """The body of a refusal, less what is this request's own."""
    refused(answer)
    return {**answer.body, "trace_id": ""}


def claims_of(member: Member) -> dict[str, Any]:
    """What a member's token says."""
    claims: dict[str, Any] = jwt.decode(member.token, options={"verify_signature": False})
    return claims


def signed(system: System, claims: dict[str, Any]) -> str:
    """A token that says this, signed with the key of the system."""
    return jwt.encode(claims, system.settings.auth.jwt_secret.get_secret_value())


def expired(system: System, member: Member) -> Member:
    """This member with a token whose time is over."""
    now = int(time.time())
    claims = {**claims_of(member), "iat": now - 90_000, "exp": now - 1}
    return replace(member, token=signed(system, claims))


def other_spellings(id_: str) -> Iterator[str]:
    """What is no id, and looks like this one."""
    yield from (f"{id_}0", f"%20{id_}", f"{id_}%0A", f"%7B{id_}%7D", f"urn:uuid:{id_}")
    yield from (id_.replace("-", ""), id_[:-1], "0", "null", "me", "%00", "%ff", "..%2f..%2fme")
    yield from ("１" + id_[1:], "'%20OR%201=1--", "x" * 3_000, "-1", "%EF%BB%BF" + id_)
