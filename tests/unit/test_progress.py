import pytest
from faust.types.tuples import Message

from workers.progress import Progress


def message(offset: int) -> Message:
    return Message(
        topic="t",
        partition=0,
        offset=offset,
        timestamp=0.0,
        timestamp_type=0,
        headers=None,
        key=None,
        value=None,
        checksum=None,
    )


def delivered(*offsets: int) -> tuple[Progress, dict[int, Message]]:
    progress = Progress(None)
    messages = {offset: message(offset) for offset in offsets}
    for each in messages.values():
        progress.deliver(each)
    return progress, messages


def ack(messages: dict[int, Message], *offsets: int) -> None:
    for offset in offsets:
        messages[offset].acked = True


def test_nothing_delivered_means_nothing_to_commit() -> None:
    assert Progress(7).committable is None


@pytest.mark.parametrize(
    ("acked", "committable"),
    [
        pytest.param((), 3, id="none acked"),
        pytest.param((3,), 4, id="the first"),
        pytest.param((4, 5, 6), 3, id="a hole of one at the head"),
        pytest.param((5, 6), 3, id="a hole of two at the head"),
        pytest.param((3, 4, 6), 5, id="a hole of one in the middle"),
        pytest.param((6, 5, 4, 3), 7, id="all, in any order"),
    ],
)
def test_only_the_contiguous_acked_prefix_is_committable(
    acked: tuple[int, ...], committable: int
) -> None:
    progress, messages = delivered(3, 4, 5, 6)

    ack(messages, *acked)

    assert progress.committable == committable


def test_asking_again_changes_nothing() -> None:
    progress, messages = delivered(3, 4)
    ack(messages, 3)

    assert [progress.committable, progress.committable] == [4, 4]


def test_offsets_that_kafka_left_out_do_not_hold_it_up() -> None:
    progress, messages = delivered(3, 9, 10)

    ack(messages, 3, 9)

    assert progress.committable == 10


def test_an_ack_of_an_earlier_delivery_changes_nothing() -> None:
    _, earlier = delivered(3, 4)
    progress, _ = delivered(3, 4)

    ack(earlier, 3, 4)

    assert progress.committable == 3
