"""`holdfast dead` as a person runs it."""

import asyncio
import json
from base64 import b64decode
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from devstack.ports import free_port
from sagas.messages import Message
from shards.ids import RandomIds
from tests.databases import moved
from tests.integration.command import Ended, Holdfast
from tests.integration.letters import KEYS, bug, keep, kept, poison
from tests.integration.world import World

WHO = ("--by", "Ada", "--reason", "mended in 1.2")


async def confirm_that_met_a_bug(world: World) -> tuple[Message, UUID]:
    payer, payee = await world.pair(funds=100)
    confirm = await world.debited(payer, payee, 10)
    letter = replace(
        bug(confirm), headers=[("traceparent", f"00-{'ab' * 16}-{'cd' * 8}-01")], trace_id="ab" * 16
    )
    return confirm, await keep(world, letter)


def parsed(ended: Ended) -> Any:
    assert ended.err == ""
    return json.loads(ended.out)


async def test_letters_of_all_shards_newest_first(holdfast: Holdfast, world: World) -> None:
    for position, bucket in enumerate((0, 1, 2)):
        await keep(world, poison(bucket=bucket, position=position))

    text = await holdfast("dead", "list")
    machine = await holdfast("dead", "list", "--json", "--limit", "2")

    assert text.code == 0
    assert text.out.count("undecodable (poison)") == 3
    assert "wallet.confirm.v1[2] @ 2" in text.out
    assert [letter["position"] for letter in parsed(machine)] == [2, 1]


async def test_no_dead_letters(holdfast: Holdfast) -> None:
    assert (await holdfast("dead", "list")).out == "No open dead letters.\n"
    assert (await holdfast("dead", "trail")).out == "No acts.\n"


async def test_the_list_is_filtered(holdfast: Holdfast, world: World) -> None:
    await keep(world, poison(bucket=0))
    await confirm_that_met_a_bug(world)
    forged = await keep(world, replace(poison(bucket=1, position=9), reason="forged"))
    await keep(world, replace(poison(bucket=1, position=10), reason="forged"))
    await holdfast("dead", "discard", str(forged), *WHO)

    narrow = ["--shard", "shard1", "--reason", "forged", "--step", "confirm"]
    listed = parsed(await holdfast("dead", "list", "--json", *narrow, "--status", "discarded"))
    nothing = await holdfast("dead", "list", *narrow, "--shard", "shard0")

    assert [letter["id"] for letter in listed] == [str(forged)]
    assert nothing.out == "No such dead letters.\n"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["list", "--shard", "shard7"], "--shard is one of shard0, shard1"),
        (["list", "--status", "gone"], "--status is one of open, redriven, discarded, any"),
        (["trail", "--target", "x"], "'x' is no id"),
        (["show", "01900000-0000-8000-8000-000000000000"], "there is no dead letter"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
async def test_what_is_not_there_is_told(holdfast: Holdfast, wrong: list[str], told: str) -> None:
    ended = await holdfast("dead", *wrong)

    assert ended.code == 2
    assert told in ended.err


async def test_show_has_everything(holdfast: Holdfast, world: World) -> None:
    confirm, letter_id = await confirm_that_met_a_bug(world)
    value = KEYS.encode(confirm)

    text = await holdfast("dead", "show", str(letter_id))
    shown = parsed(await holdfast("dead", "show", str(letter_id), "--json"))

    assert text.code == 0
    for told in (
        "wallet.confirm.v1[1] @ 0",
        "shard1, bucket 1",
        "bug (bug): RuntimeError('bug')",
        f"traceparent: 00-{'ab' * 16}",
        value[:16].hex(" "),
        f"{confirm.transfer_id}: debited, 10 EUR in minor units",
        "allowed: confirm asked for again",
        "refused: transfer",
    ):
        assert told in text.out
    assert b64decode(shown["letter"]["value_base64"]) == value
    assert shown["letter"]["trace_id"] == "ab" * 16
    assert (shown["shard"], shown["letter"]["step"]) == ("shard1", "confirm")
    assert (shown["transfer"]["status"], shown["transfer"]["amount_minor"]) == ("debited", "10")
    assert shown["verdict"] is None
    assert (shown["redrive"]["allowed"], shown["discard"]["allowed"]) == (True, False)


async def test_show_of_long_poison_shows_its_beginning(holdfast: Holdfast, world: World) -> None:
    letter_id = await keep(world, poison(bucket=0, value=b"\x00\xff" + b"x" * 1_000))

    text = await holdfast("dead", "show", str(letter_id))

    assert "0000  00 ff 78" in text.out
    assert "and 490 bytes more" in text.out
    assert "none that is known: the bytes do not verify" in text.out


async def test_what_strangers_wrote_does_not_reach_the_terminal_as_it_is(
    holdfast: Holdfast, world: World
) -> None:
    letter = replace(
        poison(bucket=0, value=b"\x1b[2J"), detail="\x1b[31mred", headers=[("\x1b]0;a", "b\nid")]
    )
    letter_id = await keep(world, letter)

    text = await holdfast("dead", "show", str(letter_id))
    listed = await holdfast("dead", "list")

    assert "\x1b" not in text.out + listed.out
    assert "\\x1b]0;a: b\\nid" in text.out
    assert "\\x1b[31mred" in listed.out


async def test_a_letter_is_redriven_and_the_trail_has_it(holdfast: Holdfast, world: World) -> None:
    confirm, letter_id = await confirm_that_met_a_bug(world)

    first = await holdfast("dead", "redrive", str(letter_id), *WHO)
    again = await holdfast("dead", "redrive", str(letter_id), "--by", "Eve", "--reason", "too")
    other = await holdfast("dead", "discard", str(letter_id), *WHO)
    trail = await holdfast("dead", "trail")
    acts = parsed(await holdfast("dead", "trail", "--json", "--target", str(letter_id)))

    assert (first.code, again.code, other.code) == (0, 0, 1)
    assert first.out.startswith(f"{letter_id}: redriven: confirm asked for again")
    assert again.out.startswith(f"{letter_id}: redriven before, by Ada at ")
    assert f"{letter_id}: refused (already_decided): it was redriven already" in other.out
    assert [message.transfer_id for message in await world.redrive(confirm.payer_id)] == [
        confirm.transfer_id
    ]
    assert f"dead_letter.redrive  {letter_id}  by Ada" in trail.out
    assert "reason: mended in 1.2" in trail.out
    assert [(act["act"], act["done_by"]) for act in acts] == [("dead_letter.redrive", "Ada")]


async def test_of_many_letters_each_is_decided_or_refused_for_itself(
    holdfast: Holdfast, world: World
) -> None:
    good = [await keep(world, poison(bucket=0, position=number)) for number in range(2)]
    _, open_ = await confirm_that_met_a_bug(world)
    unknown = RandomIds().new_id(3)
    ids = [str(id_) for id_ in (good[0], open_, unknown, good[1])]

    ended = await holdfast("dead", "discard", *ids, *WHO, "--json")

    assert ended.code == 1
    assert [
        (result["id"], result["outcome"], result.get("obstacle")) for result in parsed(ended)
    ] == [
        (ids[0], "decided", None),
        (ids[1], "refused", "transfer_open"),
        (ids[2], "refused", "unknown_letter"),
        (ids[3], "decided", None),
    ]


@pytest.mark.parametrize(
    "said",
    [
        ["--by", "Ada"],
        ["--by", " ", "--reason", "why"],
        ["--by", "Ada", "--reason", "two\nlines"],
    ],
    ids=repr,
)
async def test_nothing_is_decided_without_who_and_why(
    holdfast: Holdfast, world: World, said: list[str]
) -> None:
    letter_id = await keep(world, poison(bucket=0))

    ended = await holdfast("dead", "discard", str(letter_id), *said)

    assert ended.code == 2
    assert (await kept(world, 0))[0].status == "open"


async def test_keys_let_poison_be_verified(holdfast: Holdfast, world: World) -> None:
    payer, payee = await world.pair(funds=100)
    confirm = await world.debited(payer, payee, 10)
    letter = replace(bug(confirm), reason="unknown_key", transfer_id=None)
    letter_id = await keep(world, letter)
    keys = {"HOLDFAST_MESSAGES__KEYS": json.dumps({"k1": "k" * 32})}

    shown = await holdfast("dead", "show", str(letter_id))
    told = parsed(await holdfast("dead", "show", str(letter_id), "--json", **keys))
    without = await holdfast("dead", "redrive", str(letter_id), *WHO)
    with_keys = await holdfast("dead", "redrive", str(letter_id), *WHO, **keys)

    assert (without.code, with_keys.code) == (1, 0)
    assert "not known: not verified, since no keys were given" in shown.out
    assert shown.out.count("refused: not verified: no keys given") == 2
    assert (told["lacks_keys"], told["transfer_id"]) == (False, str(confirm.transfer_id))
    assert "not_verified" in without.out


async def test_while_the_transfers_shard_is_away_a_letter_is_shown_and_not_decided(
    holdfast: Holdfast, world: World
) -> None:
    _, letter_id = await confirm_that_met_a_bug(world)
    poisoned = await keep(world, poison(bucket=1, position=5))
    away = replace(holdfast.shards[0], dsn=f"postgresql://h@127.0.0.1:{free_port()}/x")
    holdfast = replace(holdfast, shards=[away, holdfast.shards[1]])

    shown = await holdfast("dead", "show", str(letter_id))
    decided = await holdfast("dead", "discard", str(letter_id), str(poisoned), *WHO)

    assert shown.code == 0
    assert "not known now: shard0: no connection" in shown.out
    assert "not before shard0 answers" in shown.out
    assert decided.code == 2
    assert f"{letter_id}: not done: shard0: no connection" in decided.out
    assert f"{poisoned}: discarded: it names no transfer" in decided.out
    assert decided.err.startswith("holdfast: shard0: no connection")


async def test_a_shard_that_does_not_own_the_transfer_is_told(
    holdfast: Holdfast, world: World
) -> None:
    _, letter_id = await confirm_that_met_a_bug(world)
    wrong = replace(holdfast, shards=moved(holdfast.shards, 0))
    wrong_for_the_letter = replace(holdfast, shards=moved(holdfast.shards, 1))

    shown = await wrong("dead", "show", str(letter_id))
    not_found = await wrong_for_the_letter("dead", "show", str(letter_id))

    assert shown.code == 0
    assert "not known now: shard1: bucket 0 is not owned here" in shown.out
    assert shown.out.count("HOLDFAST_SHARDS is not where the rows are") == 2
    assert not_found.code == 2
    assert "shard0: bucket 1 is not owned here; compare HOLDFAST_SHARDS" in not_found.err


async def test_two_commands_at_once_make_one_act(holdfast: Holdfast, world: World) -> None:
    _, letter_id = await confirm_that_met_a_bug(world)

    async with asyncio.TaskGroup() as group:
        running = [
            group.create_task(holdfast("dead", "redrive", str(letter_id), *WHO)) for _ in range(2)
        ]
    acts = parsed(await holdfast("dead", "trail", "--json"))

    assert [task.result().code for task in running] == [0, 0]
    assert len(acts) == 1
