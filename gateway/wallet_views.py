"""What answers show of a wallet: its accounts, what was moved, and what may be spent."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from gateway.answer_texts import (
    AmountText,
    CodeText,
    EntryKindText,
    HashText,
    SignedAmountText,
    TimeText,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """One balance."""

    currency: CodeText
    balance: AmountText
    held: AmountText
    available: AmountText
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PastBalanceView:
    """One balance as it was at a time."""

    currency: CodeText
    balance: AmountText
    at: TimeText


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletView:
    """All accounts of a user."""

    user_id: UUID
    accounts: Sequence[AccountView]


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementView:
    """A deposit or a withdrawal that was made."""

    id: UUID
    currency: CodeText
    amount: AmountText
    balance_before: AmountText
    balance_after: AmountText
    hash: HashText
    created_at: TimeText


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitView:
    """A spending limit; without one, `daily` and `remaining` are null."""

    user_id: UUID
    currency: CodeText
    daily: AmountText | None
    spent: AmountText
    remaining: AmountText | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """A ledger row; the ids are null for a deposit and a withdrawal."""

    seq: int
    currency: CodeText
    amount: SignedAmountText
    balance_before: AmountText
    balance_after: AmountText
    kind: EntryKindText
    transfer_id: UUID | None
    counterparty: UUID | None
    at: TimeText
    hash: HashText
    prev_hash: HashText
