"""Lines of results, for tests of what is told of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RUN = "20261120T194500Z"
_ABOUT = {
    "run": RUN,
    "at": "2026-11-20T19:45:12Z",
    "commit": "4a7395f",
    "command": "python -m bench full",
    "versions": {"holdfast": "0.1.0", "postgresql": "18.1"},
    "machine": {"cpu": "a processor", "cores": 2, "memory_gib": 24, "kernel": "6.1"},
    "load_before": [0.1, 0.2, 0.3],
    "load_after": [2.1, 1.2, 0.5],
    "is_loaded": False,
}
_BASE = {
    "mode": "post",
    "clients": 256,
    "rate": None,
    "workload": "random",
    "shards": 4,
    "workers": 2,
    "buckets": 32,
    "entries": 10_000,
    "users": 10_000,
}


def floor(case: str, per_s: float, **changes: Any) -> dict[str, Any]:
    return {
        **_ABOUT,
        "case": f"floor-{case}",
        "transfers_per_s": per_s,
        "cpu_ms_per_transfer": {"postgresql": 0.15, "load": 0.06},
        **changes,
    }


def case(name: str, per_s: float, *, shape: dict[str, Any] | None = None, **changes: Any):
    return {
        **_ABOUT,
        "case": name,
        "seed": 1,
        "shape": {**_BASE, **(shape or {})},
        "seconds": 30.0,
        "completed": round(per_s * 30),
        "completed_per_s": per_s,
        "refused": 0,
        "failed": 0,
        "backlog_start": 800,
        "backlog_end": 790,
        "is_steady": True,
        "latency_ms": {"p50": 90.0, "p90": 150.0, "p99": 300.0, "max": 400.0},
        "answer_ms": None,
        "cpu_ms_per_transfer": {
            "gateway": 0.15,
            "workers": 0.2,
            "postgresql": 0.1,
            "kafka": 0.04,
            "load": 0.05,
        },
        "per_transfer": {"commits": 0.3, "messages": 2.0, "wal_bytes": 4_000},
        "items_per_batch": None,
        "memory_mib": {"gateway": [100.0, 101.0]},
        "audit": "ok",
        "problem": None,
        **changes,
    }


def whole_run(**changes: Any) -> list[dict[str, Any]]:
    """A run in which everything was measured, and all targets are met; `changes` are of all lines.

    The floor is 4,000/s, and the best rate 2,800/s.
    """
    quick = {"p50": 10.0, "p90": 20.0, "p99": 30.0, "max": 60.0}
    lines = [floor("random-before", 4_200.0), floor("hot-before", 1_900.0)]
    lines += [case(f"post-{n}", per_s, shape={"clients": n}) for n, per_s in _POST.items()]
    lines += [
        case(f"wait-{n}", per_s * 0.8, shape={"clients": n, "mode": "wait"})
        for n, per_s in _POST.items()
    ]
    lines += [
        case(f"open-{rate:.0f}", rate, shape={"mode": "open", "rate": rate}, latency_ms=quick)
        for rate in (20.0, 1_400.0, 2_520.0)
    ]
    lines.append(case("batch-256", 5_000.0, shape={"mode": "batch"}))
    for workload in ("hot-payee", "hot-payer", "zipf", "refused", "same-shard", "cross-shard"):
        lines.append(case(workload, 2_300.0, shape={"workload": workload}))
    lines += _alternating("workers", {1: 2_300.0, 2: 2_420.0, 4: 2_300.0})
    lines += _alternating("entries", {10_000: 2_400.0, 1_000_000: 2_350.0, 5_000_000: 2_200.0})
    lines += _alternating("shards", {1: 2_500.0, 8: 2_200.0})
    lines += _alternating("buckets", {8: 2_400.0, 128: 2_300.0})
    lines.append(
        case("long", 1_400.0, shape={"mode": "open", "rate": 1_401.0}, latency_ms=quick)
        | {"memory_growth_percent": {"gateway": 0.3, "worker-1": -0.1}}
    )
    lines += [floor("random-after", 3_800.0), floor("hot-after", 1_700.0)]
    return [line | changes for line in lines]


_POST = {64: 1_900.0, 256: 2_400.0, 512: 2_800.0}


def _alternating(field: str, rates: dict[int, float]) -> Iterator[dict[str, Any]]:
    """Three runs of each, in turn, one of them an outlier; seconds apart."""
    for turn, factor in enumerate((1.0, 0.5, 1.01)):
        for number, (value, per_s) in enumerate(rates.items()):
            yield case(
                f"{field}-{value}",
                per_s * factor,
                shape={field: value},
                seconds=15.0,
                at=f"2026-11-20T20:{_MINUTE[field] + turn:02}:{number:02}Z",
            )


_MINUTE = {"workers": 0, "entries": 10, "shards": 20, "buckets": 30}


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path
