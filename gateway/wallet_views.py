"""What answers show of a wallet: its accounts, what was moved, and what may be spent."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """One balance."""

    currency: str
    balance: str
    held: str
    available: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PastBalanceView:
    """One balance as it was at a time."""

    currency: str
    balance: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletView:
    """All accounts of a user."""

    user_id: UUID
    accounts: Sequence[AccountView]


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementView:
    """A deposit or a withdrawal that was made."""

    id: UUID
    currency: str
    amount: str
    balance_before: str
    balance_after: str
    hash: str
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitView:
    """A spending limit; without one, `daily` and `remaining` are null."""

    user_id: UUID
    currency: str
    daily: str | None
    spent: str
    remaining: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """A ledger row; the ids are null for a deposit and a withdrawal."""

    seq: int
    currency: str
    amount: str
    balance_before: str
    balance_after: str
    kind: str
    transfer_id: UUID | None
    counterparty: UUID | None
    at: str
    hash: str
    prev_hash: str
