"""What answers show of users, wallets and operators: frozen records in the contract's words.

Amounts are text in major units (`client.money` has the integers), times are aware and in UTC.
`answer` says which answer a record was read from; records are compared without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

from client.answers import AnswerHead
from client.fields import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What every record has."""

    answer: AnswerHead = field(compare=False, repr=False)


class UserStatus(StrEnum):
    """What a user may do."""

    OPEN = "open"
    FROZEN = "frozen"
    CLOSED = "closed"


class EntryKind(StrEnum):
    """Why a balance changed."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    TRANSFER_RETURN = "transfer_return"


@dataclass(frozen=True, slots=True, kw_only=True)
class User(Shown):
    """A user."""

    id: str
    email: str
    name: str | None
    status: UserStatus
    created_at: datetime

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Raises `ShapeError`, as every `read` does."""
        return cls(
            id=fields.text("id"),
            email=fields.text("email"),
            name=fields.text_or_none("name"),
            status=fields.one_of("status", UserStatus),
            created_at=fields.time("created_at"),
            answer=fields.answer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Token(Shown):
    """An access token; `expires_in` is in seconds."""

    access_token: str = field(repr=False)
    expires_in: int

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """See `User.read`."""
        return cls(
            access_token=fields.text("access_token"),
            expires_in=fields.seconds("expires_in"),
            answer=fields.answer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency(Shown):
    """A currency; `decimals` are the digits after the point of its amounts."""

    code: str
    name: str
    decimals: int
    enabled: bool

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """See `User.read`."""
        return cls(
            code=fields.text("code"),
            name=fields.text("name"),
            decimals=fields.integer("decimals"),
            enabled=fields.truth("enabled"),
            answer=fields.answer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Shown):
    """One balance."""

    currency: str
    balance: str
    held: str
    available: str
    version: int

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """See `User.read`."""
        return cls(
            currency=fields.text("currency"),
            balance=fields.amount("balance"),
            held=fields.amount("held"),
            available=fields.amount("available"),
            version=fields.integer("version"),
            answer=fields.answer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PastBalance(Shown):
    """One balance as it was at a time."""

    currency: str
    balance: str
    at: datetime

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """See `User.read`."""
        return cls(
            currency=fields.text("currency"),
            balance=fields.amount("balance"),
            at=fields.time("at"),
            answer=fields.answer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet(Shown):
    """All accounts of a user that exist, by currency."""

    user_id: str
    accounts: Mapping[str, Account]

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """See `User.read`."""
        accounts = fields.list("accounts", Account.read)
        return cls(
            user_id=fields.text("user_id"),
            accounts={account.currency: account for account in accounts},
            answer=fields.answer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement(Shown):
    """A deposit or a withdrawal that was made; `hash` is that of its entry."""

    id: str
    currency: str
    amount: str
    balance_before: str
    balance_after: str
    hash: str
    created_at: datetime

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """See `User.read`."""
        return cls(
            id=fields.text("id"),
            currency=fields.text("currency"),
            amount=fields.amount("amount"),
            balance_before=fields.amount("balance_before"),
            balance_after=fields.amount("balance_after"),
            hash=fields.text("hash"),
            created_at=fields.time("created_at"),
            answer=fields.answer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit(Shown):
    """A spending limit; without one, `daily` and `remaining` are None."""

    user_id: str
    currency: str
    daily: str | None
    spent: str
    remaining: str | None

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """See `User.read`."""
        return cls(
            user_id=fields.text("user_id"),
            currency=fields.text("currency"),
            daily=fields.amount_or_none("daily"),
            spent=fields.amount("spent"),
            remaining=fields.amount_or_none("remaining"),
            answer=fields.answer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness(Shown):
    """What a gateway can reach; `status` is `ready`, `degraded` or `unavailable`."""

    status: str
    shards: Mapping[str, str]
    kafka: str

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """See `User.read`."""
        return cls(
            status=fields.text("status"),
            shards=fields.words("shards"),
            kafka=fields.text("kafka"),
            answer=fields.answer,
        )
