"""Measures of the benchmark: percentiles, slopes, CPU and memory by process."""

import asyncio
import random
import subprocess
import sys
import time

import pytest

from bench.errors import StandstillError
from bench.measures import standstill
from bench.measures.batches import items_per_batch, parse_counts
from bench.measures.machine import foreign_cores
from bench.measures.processes import Role, Watched, cpu_by_role, cpu_seconds, private_mib
from bench.measures.times import percentile, summary_ms
from bench.measures.trend import growth, growth_percent, theil_sen

_BURN = "import sys, time\nwhile time.process_time() < {seconds}: pass\n"
# A child that burns and ends, one that burns and stays, and the parent itself.
_FAMILY = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {_BURN.format(seconds=0.3)!r}], check=True)
stays = subprocess.Popen(
    [sys.executable, "-c", {_BURN.format(seconds=0.3)!r} + "print(flush=True)\\nsys.stdin.read()"],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
stays.stdout.readline()
{_BURN.format(seconds=0.3)}
print("done", flush=True)
input()
"""


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50), (0.9, 90), (0.99, 99), (1.0, 100), (0.001, 1)]
)
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: int):
    assert percentile(range(1, 101), share) == expected


def test_a_single_value_is_every_percentile():
    assert summary_ms([0.5]) == {"p50": 500, "p90": 500, "p99": 500, "max": 500}
    assert summary_ms([]) is None


def test_one_slow_answer_in_fifty_shows_in_p99_and_not_in_p50():
    found = summary_ms([0.01] * 98 + [2.0] * 2)

    assert found is not None
    assert (found["p50"], found["p90"], found["p99"]) == (10, 10, 2_000)


def test_theil_sen_finds_the_slope_through_noise_and_outliers():
    rng = random.Random(1)
    points = [(float(t), 100 + 0.5 * t + rng.uniform(-1, 1)) for t in range(200)]
    for number in range(0, 200, 10):
        points[number] = (points[number][0], 10_000.0)

    assert theil_sen(points) == pytest.approx(0.5, abs=0.02)


def test_growth_is_the_slope_over_the_whole_time():
    points = [(t, 200 + t / 10) for t in range(0, 1_001, 10)]

    assert growth(points) == pytest.approx(100)
    assert growth_percent(points) == pytest.approx(100 * 100 / 250)


def test_what_jumps_up_and_down_has_not_grown():
    points = [(t, 100.0 + 20 * (t % 2)) for t in range(300)]

    assert growth_percent(points) == pytest.approx(0, abs=0.1)


def test_a_slope_needs_two_points():
    with pytest.raises(ValueError, match="two points"):
        theil_sen([(1.0, 1.0)])


def test_cpu_of_a_process_has_that_of_children_that_run_and_that_have_ended():
    with subprocess.Popen(
        [sys.executable, "-c", _FAMILY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = cpu_seconds(process.pid)
        watched = [
            Watched(name="worker-1", role=Role.WORKERS, pid=process.pid),
            Watched(name="worker-2", role=Role.WORKERS, pid=process.pid),
        ]
        by_role = cpu_by_role(watched)
        # Its children, who wait for its end, see the end of their input.
        process.kill()

    # Three times 0.3 s, and three starts of Python; ticks of the kernel are 10 ms.
    assert 0.85 < found < 2.0
    assert by_role[Role.WORKERS] == pytest.approx(2 * found, abs=0.1)
    assert by_role[Role.GATEWAY] == 0


def test_private_memory_is_what_the_process_alone_has():
    script = "kept = bytearray(64 * 2**20); kept[::4096] = bytes(2**14); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = private_mib(process.pid)
        process.kill()

    assert 64 <= found < 80


def test_what_is_busy_and_not_ours_is_others():
    assert foreign_cores(busy_s=3.0, ours_s=1.0, seconds=2.0) == 1.0
    assert foreign_cores(busy_s=0.9, ours_s=1.0, seconds=2.0) == 0.0


_METRICS = """\
# HELP holdfast_lane_batches_total Transactions that came to outcomes.
# TYPE holdfast_lane_batches_total counter
holdfast_lane_batches_total{shard="shard0",step="try"} 10.0
holdfast_lane_batches_total{shard="shard1",step="try"} 30.0
holdfast_lane_batches_total{shard="shard0",step="settle"} 7.0
# HELP holdfast_lane_items_total Items of those transactions.
# TYPE holdfast_lane_items_total counter
holdfast_lane_items_total{shard="shard0",step="try"} 1e+02
holdfast_lane_items_total{shard="shard1",step="try"} 100.0
holdfast_lane_items_total{shard="shard0",step="settle"} 7.0
holdfast_lane_depth{shard="shard0",step="try"} 5.0
"""


def test_items_per_batch_are_those_between_two_counts_over_all_shards():
    begin = parse_counts(_METRICS)
    later = _METRICS.replace("30.0", "40.0").replace("1e+02", "160.0")

    assert begin == {
        ("batches", "try"): 40,
        ("items", "try"): 200,
        ("batches", "settle"): 7,
        ("items", "settle"): 7,
    }
    assert items_per_batch(begin, parse_counts(later)) == {"try": 6.0}
    assert items_per_batch(begin, begin) == {}


async def work(*, blocked_s: float):
    async with standstill.no_standstill():
        await asyncio.sleep(0.01)
        time.sleep(blocked_s)  # noqa: ASYNC251 - nothing goes on meanwhile, as on such a machine
        await asyncio.sleep(0.01)


async def test_a_machine_that_stood_still_gives_no_figures(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(standstill, "_LATE_MAX_S", 0.2)

    await work(blocked_s=0)
    with pytest.raises(StandstillError, match="stood still for 0"):
        await work(blocked_s=0.8)
