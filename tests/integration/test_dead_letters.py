"""Dead letters on PostgreSQL: kept once and counted, and listed."""

import asyncio
import secrets
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from devstack.postgres import PostgresServer
from sagas.dead_letters import Decision
from shards.dead_letters import LetterFilter, LetterStatus, list_dead_letters
from shards.ids import RandomIds
from shards.migrate import load_migrations, migrate
from tests.integration.letters import (
    ask,
    bug,
    confirm_that_met_a_bug,
    keep,
    kept,
    poison,
    trail,
)
from tests.integration.world import World

# --- kept once


async def test_a_message_that_comes_again_is_counted_and_is_one_letter(world: World):
    letter = poison(bucket=1)
    await keep(world, letter)
    await keep(world, replace(letter, id=RandomIds().new_id(1)))
    await keep(world, *(replace(letter, id=RandomIds().new_id(1)) for _ in range(3)))

    (one,) = await kept(world, 1)
    assert (one.id, one.attempts) == (letter.id, 5)
    assert one.last_at > one.created_at


@pytest.mark.parametrize("other", [{"position": 1}, {"value": b"["}], ids=["place", "bytes"])
async def test_poison_at_another_place_or_with_other_bytes_is_another_letter(
    world: World, other: dict[str, object]
):
    await keep(world, poison(bucket=1))
    await keep(world, poison(bucket=1, **other))  # type: ignore[arg-type]

    assert [letter.attempts for letter in await kept(world, 1)] == [1, 1]


async def test_what_redrive_sends_in_vain_again_and_again_is_one_letter(world: World):
    confirm, _ = await confirm_that_met_a_bug(world)
    await keep(world, bug(confirm, position=1))
    await keep(world, bug(confirm, position=2), bug(confirm, position=3))

    (one,) = await kept(world, 1)
    assert (one.position, one.attempts, one.status) == (0, 4, "open")


async def test_another_reason_for_the_same_message_is_another_letter(world: World):
    confirm, _ = await confirm_that_met_a_bug(world)
    await keep(world, replace(bug(confirm, position=1), reason="verdict_mismatch"))

    assert [letter.reason for letter in await kept(world, 1)] == ["bug", "verdict_mismatch"]


async def test_a_replay_after_the_decision_is_counted_and_the_decision_stands(world: World):
    letter = poison(bucket=1)
    await keep(world, letter)
    await ask(world, letter.id, Decision.DISCARD)

    await keep(world, replace(letter, id=RandomIds().new_id(1)))

    (one,) = await kept(world, 1)
    assert (one.status, one.attempts) == ("discarded", 2)
    assert len(await trail(world, 1)) == 1


async def test_what_fails_again_after_its_redrive_is_a_new_open_letter(world: World):
    confirm, letter_id = await confirm_that_met_a_bug(world)
    await ask(world, letter_id, Decision.REDRIVE)

    await keep(world, bug(confirm, position=9))

    assert [letter.status for letter in await kept(world, 1)] == ["redriven", "open"]


async def test_a_letter_that_two_of_a_batch_repeat_is_counted_for_both(world: World):
    """One is the same failure at a new place, the other the same place with another reason."""
    confirm, _ = await confirm_that_met_a_bug(world)

    again = replace(bug(confirm), id=RandomIds().new_id(1), reason="verdict_mismatch")
    await keep(world, bug(confirm, position=1), again)

    (one,) = await kept(world, 1)
    assert (one.position, one.reason, one.attempts) == (0, "bug", 3)


async def test_what_fails_again_beside_a_replay_of_its_decided_letter_is_a_new_one(world: World):
    confirm, letter_id = await confirm_that_met_a_bug(world)
    await ask(world, letter_id, Decision.REDRIVE)

    await keep(world, bug(confirm), bug(confirm, position=8), bug(confirm, position=9))

    letters = [(letter.position, letter.status, letter.attempts) for letter in await kept(world, 1)]
    assert letters == [(0, "redriven", 2), (8, "open", 2)]


async def test_a_replay_of_a_decided_letter_is_not_counted_on_the_open_one(world: World):
    confirm, letter_id = await confirm_that_met_a_bug(world)
    await ask(world, letter_id, Decision.REDRIVE)
    await keep(world, bug(confirm, position=9))

    await keep(world, bug(confirm))

    assert [letter.attempts for letter in await kept(world, 1)] == [2, 1]


async def test_two_workers_that_keep_the_same_message_at_once_count_it(world: World):
    letter = poison(bucket=1)

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(keep(world, replace(letter, id=RandomIds().new_id(1))))

    (one,) = await kept(world, 1)
    assert one.attempts == 8


# --- the list


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["forged", "bug", "undecodable"]),
        ({"status": LetterStatus.OPEN}, ["bug", "undecodable"]),
        ({"status": LetterStatus.DISCARDED}, ["forged"]),
        ({"reason": "bug"}, ["bug"]),
        ({"reason": "poison"}, ["forged", "undecodable"]),
        ({"step": "confirm"}, ["forged", "bug"]),
        ({"step": "confirm", "reason": "poison", "status": LetterStatus.OPEN}, []),
    ],
    ids=repr,
)
async def test_the_list_has_what_is_wanted_newest_first(
    world: World, wanted: dict[str, Any], found: list[str]
):
    await keep(world, replace(poison(bucket=1, position=7), step="cancel"))
    await confirm_that_met_a_bug(world)
    forged = await keep(world, replace(poison(bucket=1, position=8), reason="forged"))
    await ask(world, forged, Decision.DISCARD)

    everything: dict[str, Any] = {"status": None, "reason": None, "step": None}
    async with world.shards.of_bucket(1).connection() as conn:
        listed = await list_dead_letters(
            conn, limit=10, wanted=LetterFilter(**(everything | wanted))
        )

    assert [letter.reason for letter in listed] == found


# --- beside processes of the release before

INSERT_BEFORE = """
    INSERT INTO dead_letters
        (id, bucket, topic, partition, position, value_sha256, headers, reason, detail, created_at)
    VALUES ($1, 1, $2, 1, $3, '', '[]', $4, '', now())
    ON CONFLICT (topic, partition, position, value_sha256) DO NOTHING
"""


async def test_letters_of_the_release_before_are_kept_and_get_their_class(
    postgres: PostgresServer,
):
    name = f"test_{secrets.token_hex(6)}"
    server = await asyncpg.connect(postgres.dsn("postgres"))
    await server.execute(f'CREATE DATABASE "{name}"')
    conn = await asyncpg.connect(postgres.dsn(name))
    first, *_ = load_migrations()
    await conn.execute(first.sql)
    topic = "wallet.try-confirm.v1"
    for position, reason in enumerate(("forged", "unknown_transfer", "bug")):
        await conn.execute(INSERT_BEFORE, RandomIds().new_id(1), topic, position, reason)
    await conn.execute(
        "CREATE TABLE schema_migrations (version integer PRIMARY KEY, name text, sha256 text)"
    )
    await conn.execute("INSERT INTO schema_migrations VALUES (1, $1, $2)", first.name, first.sha256)

    await migrate(postgres.dsn(name), shard="shard0")
    await conn.execute(INSERT_BEFORE, RandomIds().new_id(1), topic, 3, "forged")

    rows = await conn.fetch(
        "SELECT reason_class, step, attempts FROM dead_letters ORDER BY position"
    )
    assert [tuple(row) for row in rows] == [
        ("poison", "try-confirm", 1),
        ("impossible", "try-confirm", 1),
        ("bug", "try-confirm", 1),
        (None, None, 1),
    ]
    await conn.close()
    await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await server.close()
