"""What a loss of power takes of a log: what was not flushed, and only of our topics."""

import struct
from pathlib import Path

import pytest

from reliability.chaos.stack.log_tail import cut_tail

TOPICS = {"wallet.confirm.v1"}
BATCH_BYTES = 112


def batches(*first_offsets: int) -> bytes:
    body = bytes(BATCH_BYTES - 12)
    return b"".join(struct.pack(">qi", first, len(body)) + body for first in first_offsets)


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    """A partition of two segments with messages 0 to 5, of which 0 to 2 were flushed."""
    partition = tmp_path / "wallet.confirm.v1-0"
    partition.mkdir()
    (partition / "00000000000000000000.log").write_bytes(batches(0, 1, 2, 3))
    (partition / "00000000000000000004.log").write_bytes(batches(4, 5))
    foreign = tmp_path / "__consumer_offsets-0"
    foreign.mkdir()
    (foreign / "00000000000000000000.log").write_bytes(batches(0, 1))
    (tmp_path / "recovery-point-offset-checkpoint").write_text("0\n1\nwallet.confirm.v1 0 3\n")
    return tmp_path


def sizes(messages: Path) -> list[int]:
    """Bytes left in each segment of the partition."""
    return [s.stat().st_size for s in sorted((messages / "wallet.confirm.v1-0").iterdir())]


def test_all_that_was_not_flushed_goes(messages: Path):
    assert cut_tail(messages, TOPICS, share=1.0) == 3 * BATCH_BYTES

    assert sizes(messages) == [3 * BATCH_BYTES, 0]


def test_a_share_goes_from_the_end_and_may_tear_a_batch(messages: Path):
    assert cut_tail(messages, TOPICS, share=0.5) == 168

    assert sizes(messages) == [4 * BATCH_BYTES, 56]


def test_other_topics_keep_theirs(messages: Path):
    cut_tail(messages, TOPICS, share=1.0)

    left = messages / "__consumer_offsets-0" / "00000000000000000000.log"
    assert left.stat().st_size == 2 * BATCH_BYTES


def test_without_a_note_nothing_counts_as_flushed(messages: Path):
    (messages / "recovery-point-offset-checkpoint").unlink()

    assert cut_tail(messages, TOPICS, share=1.0) == 6 * BATCH_BYTES


def test_half_a_batch_that_a_kill_left_is_not_counted(messages: Path):
    last = messages / "wallet.confirm.v1-0" / "00000000000000000004.log"
    last.write_bytes(batches(4, 5) + batches(6)[:50])

    assert cut_tail(messages, TOPICS, share=1.0) == 3 * BATCH_BYTES
