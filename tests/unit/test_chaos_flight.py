"""What the nemesis measures of transfers under way."""

import time
from uuid import UUID

from reliability.chaos.flight import Flight, Recovery

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))


class Watched:
    """Two shards, and a fault that is healed now; a look may be at any second after that."""

    def __init__(self) -> None:
        self.flight = Flight({"shard0": "", "shard1": ""})
        self.healed_at = time.monotonic()
        self.recovery = Recovery(
            kind="kill_worker", since=self.healed_at, allowed_s=60.0, undisturbed=True
        )
        self.flight.watch(self.recovery)

    def look(self, shard: str, *ids: UUID, after_s: float) -> None:
        self.flight._take(shard, set(ids), self.healed_at + after_s)


def test_a_fault_is_recovered_from_when_all_that_was_open_then_is_over():
    run = Watched()

    run.look("shard0", ONE, after_s=1)
    run.look("shard1", TWO, after_s=1)
    run.look("shard0", THREE, after_s=2)
    before = run.recovery.took_s
    run.look("shard1", THREE, after_s=2)

    assert before is None
    assert run.recovery.took_s is not None


def test_a_look_that_began_before_the_heal_says_nothing():
    run = Watched()

    run.look("shard0", after_s=-1)
    run.look("shard1", after_s=1)

    assert run.recovery.took_s is None


def test_another_fault_disturbs_what_is_followed():
    run = Watched()

    run.flight.disturb()

    assert not run.recovery.undisturbed


def test_it_is_empty_only_when_every_shard_was_seen_empty_since():
    run = Watched()
    run.look("shard0", after_s=1)
    run.look("shard1", ONE, after_s=1)
    seen_open = run.flight.is_empty_since(run.healed_at)
    run.look("shard1", after_s=2)

    assert not seen_open
    assert run.flight.is_empty_since(run.healed_at)
    assert not run.flight.is_empty_since(run.healed_at + 1.5)


def test_the_slowest_are_kept_with_their_time():
    run = Watched()
    run.look("shard0", ONE, TWO, after_s=0)
    run.look("shard0", TWO, after_s=5)
    run.look("shard0", after_s=8)

    assert run.flight.slowest == {str(TWO): 8.0, str(ONE): 5.0}
