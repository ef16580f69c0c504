"""How many items share a transaction, by what the programs count on their internal listeners."""

import http.client
import re
from collections import Counter
from collections.abc import Iterable, Mapping

_TIMEOUT_S = 5.0
_METRIC = re.compile(r"^holdfast_lane_(items|batches)_total\{([^}]*)\} ([0-9.e+]+)$", re.MULTILINE)
_STEP = re.compile(r'step="([^"]*)"')
Counted = Counter[tuple[str, str]]


def read_counts(ports: Iterable[int]) -> Counted:
    """Items and batches of each step, summed over all lanes of these processes of this machine."""
    total: Counted = Counter()
    for port in ports:
        total += parse_counts(_metrics(port))
    return total


def parse_counts(text: str) -> Counted:
    """From the text format of Prometheus: (`items` or `batches`, step) to how many."""
    total: Counted = Counter()
    for kind, labels, value in _METRIC.findall(text):
        if step := _STEP.search(labels):
            total[kind, step[1]] += int(float(value))
    return total


def items_per_batch(begin: Counted, end: Counted) -> Mapping[str, float]:
    """Of the steps that ran between two counts."""
    ran = end - begin
    return {
        step: round(ran["items", step] / count, 1)
        for (kind, step), count in sorted(ran.items())
        if kind == "batches"
    }


def _metrics(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()
