"""Metrics for Prometheus, read from the counters of the parts when somebody asks.

The parts count in plain integers; nothing here is global, and nothing is made at import.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Metric,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from sagas.lane_options import LaneCounts

_LABELS = ("shard", "step")


class CountedLane(Protocol):
    """A lane of any kind, as far as metrics are concerned."""

    @property
    def name(self) -> str:
        """Shard and step, with a point between them."""
        ...

    @property
    def depth(self) -> int:
        """Items that are queued, running or being delivered."""
        ...

    @property
    def counts(self) -> LaneCounts:
        """What it has done so far."""
        ...


class EngineCollector(Collector):
    """What lanes and senders have counted.

    Args:
        lanes: of this process.
        messages: how many messages came to which end so far.
    """

    def __init__(
        self, *, lanes: Callable[[], Iterable[CountedLane]], messages: Callable[[], dict[str, int]]
    ) -> None:
        self._lanes = lanes
        self._messages = messages

    @override
    def collect(self) -> Iterator[Metric]:
        lanes = [(lane.name.rpartition("."), lane.counts, lane.depth) for lane in self._lanes()]
        counters: Mapping[str, tuple[str, Callable[[LaneCounts], float]]] = {
            "batches": ("Transactions that came to outcomes.", lambda c: c.batches),
            "items": ("Items of those transactions.", lambda c: c.items),
            "skipped": (
                "Items left for later, since others had their user's row.",
                lambda c: c.skipped,
            ),
            "transient_errors": (
                "Runs that ended because the shard was away.",
                lambda c: c.transient_errors,
            ),
            "running_seconds": (
                "Time spent in runs, however they ended.",
                lambda c: c.running_s,
            ),
        }
        for name, (text, value_of) in counters.items():
            family = CounterMetricFamily(f"holdfast_lane_{name}", text, labels=_LABELS)
            for (shard, _, step), counts, _ in lanes:
                family.add_metric((shard, step), value_of(counts))
            yield family
        depth = GaugeMetricFamily("holdfast_lane_depth", "Items in work.", labels=_LABELS)
        for (shard, _, step), _, items in lanes:
            depth.add_metric((shard, step), items)
        yield depth
        messages = CounterMetricFamily(
            "holdfast_messages", "Messages to Kafka, by what became of them.", labels=("outcome",)
        )
        for outcome, number in self._messages().items():
            messages.add_metric((outcome,), number)
        yield messages


def registry_of(
    *, lanes: Callable[[], Iterable[CountedLane]], messages: Callable[[], dict[str, int]]
) -> CollectorRegistry:
    """A registry of its own: the engine's metrics, and those of the process and of Python."""
    registry = CollectorRegistry()
    registry.register(EngineCollector(lanes=lanes, messages=messages))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
