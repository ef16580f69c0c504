"""What pgbench says is read as it is, and a run with a failure is none."""

import pytest

from bench.floor import FloorError
from bench.floor.pgbench import Counted, read

SAID = """\
transaction type: transfer.sql
number of clients: 16
maximum number of tries: 10
number of transactions actually processed: 98765
number of failed transactions: 0 (0.000%)
latency average = 3.239 ms
initial connection time = 21.4 ms
tps = 4938.271605 (without initial connection time)
"""


def test_transfers_and_their_rate_are_read():
    assert read(SAID) == Counted(98_765, 4_938.271605)


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        ("failed transactions: 0", "failed transactions: 1"),
        ("processed: 98765", "processed: 0"),
        ("tps = ", ""),
    ],
)
def test_a_run_that_did_not_end_cleanly_is_refused(found, instead):
    with pytest.raises(FloorError, match="did not end cleanly"):
        read(SAID.replace(found, instead))
