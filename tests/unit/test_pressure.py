"""A partition is held back for as long as any lane holds it back."""

from collections.abc import Iterable

from faust.types import TP

from workers.pressure import Pressure

A, B, C = TP("a", 0), TP("b", 0), TP("c", 0)


class Consumer:
    """Remembers what is paused, as the real one does."""

    def __init__(self) -> None:
        self.paused: set[TP] = set()

    def pause(self, partitions: Iterable[TP]) -> None:
        self.paused |= set(partitions)

    def resume(self, partitions: Iterable[TP]) -> None:
        self.paused -= set(partitions)


def test_what_two_lanes_hold_back_flows_when_both_have_room():
    consumer = Consumer()
    pressure = Pressure(lambda: consumer)

    pressure.change("step", {A}, full=True)
    pressure.change("dead", {A, B}, full=True)
    assert consumer.paused == {A, B}
    pressure.change("step", {A}, full=False)
    assert consumer.paused == {A, B}
    pressure.change("dead", {A, B}, full=False)
    assert consumer.paused == set()


def test_other_partitions_are_left_alone():
    consumer = Consumer()
    pressure = Pressure(lambda: consumer)

    pressure.change("step", {A}, full=True)
    pressure.change("other", {C}, full=True)
    pressure.change("step", {A}, full=False)

    assert consumer.paused == {C}
