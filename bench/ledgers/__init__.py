"""Ledgers to begin with: seeded users and chained entries, built once, cloned for every case."""

from bench.ledgers.shape import CURRENCY, LedgerShape
from bench.ledgers.templates import Ledger, LedgerError, clone, drop, ensure
from bench.ledgers.users import BenchUser, make_users

__all__ = [
    "CURRENCY",
    "BenchUser",
    "Ledger",
    "LedgerError",
    "LedgerShape",
    "clone",
    "drop",
    "ensure",
    "make_users",
]
