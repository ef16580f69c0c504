"""The end of a dead broker's logs that a loss of power would take with it.

Kafka acknowledges a message once it is written and leaves it to the system to bring it to the disk.
Up to which offset that was done for sure it notes itself, in `recovery-point-offset-checkpoint`.
All bytes behind it are cut off here, or a share of them: in the middle of a batch too, as a disk
would leave it.
"""

import os
import struct
from collections.abc import Collection, Iterator
from pathlib import Path

_CHECKPOINT = "recovery-point-offset-checkpoint"
# A batch begins with its first offset and its length without these two.
_HEAD = struct.Struct(">qi")


def cut_tail(messages: Path, topics: Collection[str], *, share: float) -> int:
    """Cuts that share of the unflushed bytes of every partition of the topics.

    Args:
        messages: the data folder of a broker that does not run.
        topics: whose partitions.
        share: above 0, up to 1.

    Returns:
        Bytes that are gone.
    """
    flushed = _flushed_offsets(messages / _CHECKPOINT)
    return sum(
        _cut_partition(folder, flushed.get(folder.name, 0), share)
        for folder in sorted(messages.iterdir())
        if folder.is_dir() and folder.name.rpartition("-")[0] in topics
    )


def _flushed_offsets(checkpoint: Path) -> dict[str, int]:
    """The first offset not known to be on disk, by partition (`topic-0`); none if not noted."""
    if not checkpoint.is_file():
        return {}
    # A version, a count, and a line for each partition.
    lines = checkpoint.read_text(encoding="utf-8").splitlines()[2:]
    rows = [line.split() for line in lines]
    return {f"{topic}-{partition}": int(offset) for topic, partition, offset in rows}


def _cut_partition(folder: Path, flushed: int, share: float) -> int:
    unflushed = [
        (segment, end - start)
        for segment in sorted(folder.glob("*.log"))
        for start, end in [_unflushed_bytes(segment, flushed)]
    ]
    wanted = left = int(sum(size for _, size in unflushed) * share)
    for segment, size in reversed(unflushed):
        taken = min(left, size)
        if taken:
            os.truncate(segment, segment.stat().st_size - taken)
        left -= taken
    return wanted


def _unflushed_bytes(segment: Path, flushed: int) -> tuple[int, int]:
    """Where the bytes at and behind an offset begin, and where the batches end."""
    start = end = 0
    for first_offset, batch_end in _batches(segment.read_bytes()):
        if first_offset < flushed:
            start = batch_end
        end = batch_end
    return start, end


def _batches(data: bytes) -> Iterator[tuple[int, int]]:
    """First offset and end of each batch; a broker that was killed may leave a part of one."""
    at = 0
    while at + _HEAD.size <= len(data):
        first_offset, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size + length
        if length <= 0 or at > len(data):
            return
        yield first_offset, at
