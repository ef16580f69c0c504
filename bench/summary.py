"""A line of results, for a person who watches."""

from collections.abc import Mapping
from typing import Any


def summary(line: Mapping[str, Any], *, floor: float | None) -> str:
    """What matters of a case.

    Args:
        line: of the case.
        floor: transfers per second of the floor, where it is known.
    """
    latency, cpu = line["latency_ms"] or {}, line["cpu_ms_per_transfer"]
    outside = sum(ms for role, ms in cpu.items() if role != "load")
    by_role = ", ".join(f"{role} {ms:.3f}" for role, ms in cpu.items())
    rate = f"{line['case']}: {line['completed_per_s']:,.0f}/s"
    if floor:
        rate += f", {line['completed_per_s'] / floor:.2f} of the floor"
    parts = [
        rate,
        f"p50 {latency.get('p50')} ms, p99 {latency.get('p99')} ms",
        f"CPU {outside:.3f} ms per transfer without the load client ({by_role})",
        ", ".join(f"{value} {name}" for name, value in line["per_transfer"].items()),
        f"backlog {line['backlog_start']} to {line['backlog_end']}",
        f"audit {line['audit']}",
    ]
    if grown := line["memory_growth_percent"]:
        parts.append("memory grew by " + ", ".join(f"{p} % ({name})" for name, p in grown.items()))
    if line["is_loaded"]:
        parts.append(_loaded(line))
    if line["problem"]:
        parts.append(f"DOES NOT COUNT: {line['problem']}")
    return "; ".join(parts)


def floor_summary(line: Mapping[str, Any]) -> str:
    """What matters of a floor."""
    cpu = ", ".join(f"{role} {ms:.3f}" for role, ms in line["cpu_ms_per_transfer"].items())
    found = f"{line['case']}: {line['transfers_per_s']:,.0f}/s; CPU ms per transfer: {cpu}"
    return f"{found}; {_loaded(line)}" if line["is_loaded"] else found


def _loaded(line: Mapping[str, Any]) -> str:
    return f"ON A LOADED MACHINE: others used {line['foreign_cores']} cores"
