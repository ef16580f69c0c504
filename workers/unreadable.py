"""Records that aiokafka cannot read: made poison like any other, instead of the end of the worker.

A header name that is not UTF-8, or a codec that is not installed, raises while a fetch is unpacked.
Faust ends with it, and so does the next worker, on the same record, for ever: one record that
anybody could write would stop every transfer.
"""

from typing import Any

import structlog
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.structs import ConsumerRecord
from typing_extensions import override

_log = structlog.stdlib.get_logger(__name__)


class ReadableRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka has no types
    """Records of one fetch; one that cannot be read comes without key and value.

    It has its position, and the error in a header. What follows it in its batch cannot be read
    either, and comes likewise; redrive sends what those asked for.
    """

    @override
    def __next__(self) -> Any:
        try:
            return super().__next__()
        except (StopIteration, CorruptRecordException):
            # A batch that was damaged on its way is fetched again.
            raise
        except Exception as error:  # noqa: BLE001 - whatever the bytes did to the decoder
            position = int(self.next_fetch_offset)  # type: ignore[has-type]  # set by the base
            self.next_fetch_offset = position + 1
            _log.warning("record.unreadable", tp=self._tp, position=position, error=repr(error))
            return ConsumerRecord(
                topic=self._tp.topic,
                partition=self._tp.partition,
                offset=position,
                timestamp=-1,
                timestamp_type=0,
                key=None,
                value=None,
                checksum=None,
                serialized_key_size=-1,
                serialized_value_size=-1,
                headers=(("unreadable", repr(error).encode()),),
            )


def read_what_can_be_read() -> None:
    """Makes aiokafka's consumers in this process use `ReadableRecords`; it has no setting."""
    fetcher.PartitionRecords = ReadableRecords
