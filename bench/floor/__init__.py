"""The floor: what PostgreSQL alone does with one transaction per transfer, driven by pgbench."""

from bench.floor.database import FloorError
from bench.floor.run import CpuMs, FloorResult, run_floor

__all__ = ["CpuMs", "FloorError", "FloorResult", "run_floor"]
