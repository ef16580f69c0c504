"""Dead letters from end to end: set aside by a worker, decided on by an operator."""

import json
from typing import Any

import pytest

from e2e_tests.client import Client
from e2e_tests.system import System
from e2e_tests.topic_tools import open_topics
from sagas.steps.confirm import confirm
from tests.eventually import eventually

WHO = ("--by", "Ada", "--reason", "mended in 1.2")


class Bug:
    """A confirm that fails for no known reason until it is mended."""

    def __init__(self) -> None:
        self.mended = False

    def __call__(self, side: Any, message: Any) -> Any:
        if not self.mended:
            raise RuntimeError("a bug of ours")
        return confirm(side, message)


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> Bug:
    made = Bug()
    monkeypatch.setattr("sagas.steps.run.confirm", made)
    return made


async def test_a_transfer_that_met_a_bug_is_redriven_and_completes_and_poison_is_discarded(
    system: System, client: Client, bug: Bug
):
    # By itself redrive would look at the transfer long after this test.
    system.change(redrive={"first_after_s": 600.0, "backoff_cap_s": 600.0})
    await system.start_worker()
    alice = await client.member(EUR="100.00")
    bob = await client.member()

    sent = await client.transfer(alice, bob, "60.00")
    async with open_topics(system) as topics:
        await topics.write(system.topics.confirm, b"{")
        poison, stuck = await eventually(lambda: _letters(system, 2), within_s=20)
    _, shown = await system.holdfast("dead", "show", stuck["id"])
    early = await system.holdfast("dead", "discard", stuck["id"], *WHO)
    no_use = await system.holdfast("dead", "redrive", poison["id"], *WHO)

    bug.mended = True
    redriven = await system.holdfast("dead", "redrive", stuck["id"], *WHO)
    end = await client.get_transfer(alice, sent.body["id"], wait=20)
    discarded = await system.holdfast("dead", "discard", poison["id"], *WHO)
    left = await _letters(system, 0)
    trail = json.loads((await system.holdfast("dead", "trail", "--json"))[1])

    assert (poison["reason_class"], stuck["reason_class"]) == ("poison", "bug")
    assert stuck["transfer_id"] == sent.body["id"]
    assert stuck["trace_id"]
    assert "RuntimeError('a bug of ours')" in shown
    assert f"{sent.body['id']}: debited, 6000 EUR" in shown
    assert (early[0], no_use[0]) == (1, 1)
    assert "transfer_open" in early[1]
    assert "names_no_transfer" in no_use[1]
    assert (redriven[0], discarded[0]) == (0, 0)
    assert end.body["status"] == "completed"
    assert await client.balance(bob) == ("60.00", "0.00")
    assert left == []
    assert [(act["act"], act["target_id"], act["done_by"]) for act in trail] == [
        ("dead_letter.discard", poison["id"], "Ada"),
        ("dead_letter.redrive", stuck["id"], "Ada"),
    ]


async def test_a_bug_that_lasts_is_one_letter_however_often_redrive_tries(
    system: System, client: Client, bug: Bug
):
    await system.start_worker()
    alice = await client.member(EUR="100.00")
    bob = await client.member()

    sent = await client.transfer(alice, bob, "60.00")

    async def tried_again() -> None:
        letters = await system.sql_everywhere("SELECT attempts, reason FROM dead_letters")
        assert [letter["reason"] for letter in letters] == ["bug"]
        assert letters[0]["attempts"] >= 3

    await eventually(tried_again, within_s=30)
    bug.mended = True
    end = await client.get_transfer(alice, sent.body["id"], wait=20)

    assert end.body["status"] == "completed"
    assert len(await system.sql_everywhere("SELECT FROM dead_letters")) == 1


async def _letters(system: System, count: int) -> list[dict[str, Any]]:
    """The open letters, poison first."""
    code, output = await system.holdfast("dead", "list", "--json")
    assert code == 0
    letters: list[dict[str, Any]] = json.loads(output)
    assert len(letters) == count
    return sorted(letters, key=lambda letter: letter["reason_class"], reverse=True)
