"""Metrics are read from counters when somebody asks."""

from dataclasses import dataclass, field

from prometheus_client import generate_latest

from sagas.lane_options import LaneCounts
from telemetry.metrics import registry_of


@dataclass
class Lane:
    name: str
    depth: int = 0
    counts: LaneCounts = field(default_factory=LaneCounts)


def shown(lanes: list[Lane], **messages: int) -> list[str]:
    text = generate_latest(registry_of(lanes=lambda: lanes, messages=lambda: messages)).decode()
    return [line for line in text.splitlines() if line.startswith("holdfast_")]


def test_what_lanes_and_senders_have_counted_is_shown_as_it_is_now():
    lane = Lane("shard.0.try-confirm")
    registry = registry_of(lanes=lambda: [lane], messages=lambda: {"sent": 7})
    lane.counts = LaneCounts(batches=2, items=5, skipped=1, transient_errors=3, running_s=1.5)
    lane.depth = 4
    labels = '{shard="shard.0",step="try-confirm"}'

    text = generate_latest(registry).decode()

    assert [line for line in text.splitlines() if line.startswith("holdfast_")] == [
        f"holdfast_lane_batches_total{labels} 2.0",
        f"holdfast_lane_items_total{labels} 5.0",
        f"holdfast_lane_skipped_total{labels} 1.0",
        f"holdfast_lane_transient_errors_total{labels} 3.0",
        f"holdfast_lane_running_seconds_total{labels} 1.5",
        f"holdfast_lane_depth{labels} 4.0",
        'holdfast_messages_total{outcome="sent"} 7.0',
    ]
    assert "process_resident_memory_bytes" in text


def test_two_registries_share_nothing():
    assert any('"shard0"' in line for line in shown([Lane("shard0.try")], sent=1))
    assert not any('"shard0"' in line for line in shown([Lane("shard1.try")], sent=1))
