"""Many times, summed up."""

import math
from collections.abc import Mapping, Sequence

_SHARES = {"p50": 0.50, "p90": 0.90, "p99": 0.99}


def percentile(ranked: Sequence[float], share: float) -> float:
    """The least value that at least this share of the sorted, non-empty values do not exceed."""
    return ranked[max(math.ceil(share * len(ranked)), 1) - 1]


def summary_ms(seconds: Sequence[float]) -> Mapping[str, float] | None:
    """p50, p90, p99 and max in milliseconds; None of nothing."""
    if not seconds:
        return None
    ranked = sorted(seconds)
    found = {name: percentile(ranked, share) for name, share in _SHARES.items()}
    return {name: round(value * 1000, 2) for name, value in {**found, "max": ranked[-1]}.items()}
