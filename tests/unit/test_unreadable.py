"""A record that cannot be read is poison, and not the end of the worker."""

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from workers.unreadable import ReadableRecords

TP = TopicPartition("wallet.confirm.v1", 3)


def _batch(*values: bytes, spoiled: int) -> MemoryRecords:
    """A batch whose record number `spoiled` has a header name that is not UTF-8."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1_000_000)
    for number, value in enumerate(values):
        name = "spoil-me" if number == spoiled else "good"
        builder.append(number, 0, None, value, [(name, b"1")])
    return MemoryRecords(bytes(builder.build()).replace(b"spoil-me", b"\xff\xfe" * 4))


def _read(records: MemoryRecords, *, start: int = 0) -> ReadableRecords:
    # Without the check of the sum, which the spoiling has broken.
    return ReadableRecords(TP, records, None, start, None, None, False, 0)


def test_what_comes_before_it_is_read_and_it_comes_empty_with_its_position():
    records = list(_read(_batch(b"a", b"b", b"c", spoiled=1)))

    assert [(r.offset, r.value) for r in records] == [(0, b"a"), (1, None)]
    assert records[1].headers[0][0] == "unreadable"


def test_reading_goes_on_behind_it():
    behind = _read(_batch(b"a", b"b", b"c", spoiled=1), start=2)

    assert [(r.offset, r.value) for r in behind] == [(2, None)]
    assert behind.next_fetch_offset == 3
