"""`holdfast operator` and `holdfast trail` as a person runs them."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from devstack.ports import free_port
from tests.databases import moved
from tests.integration.command import Ended, Holdfast
from tests.integration.world import World

WHO = ("--by", "Ada", "--reason", "our support")


async def email_of(world: World, user_id: UUID) -> str:
    async with world.session(user_id) as conn:
        email: str = await conn.fetchval("SELECT email FROM users WHERE id = $1", user_id)
    return email


async def role_of(world: World, user_id: UUID) -> str:
    async with world.session(user_id) as conn:
        role: str = await conn.fetchval("SELECT role FROM users WHERE id = $1", user_id)
    return role


def parsed(ended: Ended) -> Any:
    assert ended.err == ""
    return json.loads(ended.out)


async def test_a_user_becomes_an_operator_and_is_one_no_more(holdfast: Holdfast, world: World):
    user = await world.user(bucket=1)
    email = await email_of(world, user)

    added = await holdfast("operator", "add", f"{email.upper()}", *WHO)
    role = await role_of(world, user)
    removed = await holdfast("operator", "remove", email, *WHO)

    assert (added.code, removed.code) == (0, 0)
    assert added.out == f"{email}: an operator, with the next token: log in again\n"
    assert removed.out.startswith(f"{email}: no operator any more")
    assert (role, await role_of(world, user)) == ("operator", "user")
    trail = parsed(await holdfast("trail", "--json", "--target", str(user)))
    assert [(act["act"], act["done_by"], act["reason"], act["detail"]) for act in trail] == [
        ("user.remove_operator", "Ada", "our support", "operator to user"),
        ("user.make_operator", "Ada", "our support", "user to operator"),
    ]


async def test_a_repeat_changes_nothing_and_says_so(holdfast: Holdfast, world: World):
    user = await world.user(bucket=1)
    email = await email_of(world, user)

    again = [await holdfast("operator", "remove", email, *WHO)]
    await holdfast("operator", "add", email, *WHO)
    again.append(await holdfast("operator", "add", email, *WHO))

    assert [one.code for one in again] == [0, 0]
    assert again[0].out == f"{email}: no operator, and nothing was changed\n"
    assert again[1].out == f"{email}: an operator already, and nothing was changed\n"
    assert len(parsed(await holdfast("trail", "--json"))) == 1


async def test_operators_of_all_shards_are_listed(holdfast: Holdfast, world: World):
    assert (await holdfast("operator", "list")).out.startswith("No operators.")
    users = [await world.user(bucket=bucket) for bucket in (0, 1, 2)]
    emails = sorted([await email_of(world, user) for user in users])
    for email in emails:
        await holdfast("operator", "add", email, *WHO)

    text = await holdfast("operator", "list")
    machine = parsed(await holdfast("operator", "list", "--json"))

    assert [line.split()[0] for line in text.out.splitlines()] == emails
    assert [one["email"] for one in machine] == emails
    assert {one["id"] for one in machine} == {str(user) for user in users}
    assert not any("password" in field for one in machine for field in one)


async def test_who_has_not_registered_is_told_how_to(holdfast: Holdfast):
    for verb in ("add", "remove"):
        ended = await holdfast("operator", verb, "nobody@example.com", *WHO)

        assert ended.code == 2
        assert "nobody@example.com" in ended.err
        assert "register it with `holdfast register`" in ended.err


@pytest.mark.parametrize(
    "options",
    [
        ["--by", "Ada"],
        ["--reason", "why"],
        ["--by", "", "--reason", "why"],
        ["--by", "Ada", "--reason", "two\nlines"],
        ["--by", "Ada", "--reason", "two\u2028lines"],
        ["--by", "Ada", "--reason", "x" * 1_001],
    ],
)
async def test_who_and_why_must_be_said_in_one_line_each(
    holdfast: Holdfast, world: World, options: list[str]
):
    user = await world.user(bucket=1)

    ended = await holdfast("operator", "add", await email_of(world, user), *options)

    assert ended.code == 2
    assert await role_of(world, user) == "user"


async def test_a_shard_that_is_away_is_said_to_be(holdfast: Holdfast, world: World):
    email = await email_of(world, await world.user(bucket=1))
    away = f"postgresql://holdfast@127.0.0.1:{free_port()}/nothing"
    without = replace(holdfast, shards=[holdfast.shards[0], replace(holdfast.shards[1], dsn=away)])

    ended = [
        await without("operator", "add", email, *WHO),
        await without("operator", "list"),
        await without("trail"),
    ]

    assert [one.code for one in ended] == [2, 2, 2]
    assert all("shard1" in one.err for one in ended)


async def test_a_map_that_is_wrong_does_not_say_that_nobody_has_registered(
    holdfast: Holdfast, world: World
):
    email = await email_of(world, await world.user(bucket=1))
    wrong = replace(holdfast, shards=moved(holdfast.shards, 1))

    ended = await wrong("operator", "add", email, *WHO)

    assert ended.code == 2
    assert "HOLDFAST_SHARDS" in ended.err


async def test_the_trail_is_that_of_all_shards_newest_first(holdfast: Holdfast, world: World):
    users = [await world.user(bucket=bucket) for bucket in (0, 1, 2)]
    for user in users:
        await world.set_status(user, "frozen")

    text = await holdfast("trail", "--limit", "2")
    machine = parsed(await holdfast("trail", "--json"))

    assert text.out.count("user.freeze") == 2
    assert [act["target_id"] for act in machine] == [str(user) for user in reversed(users)]


async def test_the_trail_for_programs_has_what_proves_each_act(holdfast: Holdfast, world: World):
    user = await world.user(bucket=1)
    for status in ("frozen", "open"):
        await world.set_status(user, status)

    second, first = parsed(await holdfast("trail", "--json"))

    assert first["prev_hash"] == "0" * 64
    assert second["prev_hash"] == first["hash"]
    async with world.session(user) as conn:
        kept = await conn.fetchval("SELECT hash FROM operator_acts WHERE seq = 2")
    assert second["hash"] == kept.hex()
