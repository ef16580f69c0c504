"""A user's rows as they grow: entries in their chain, events in their sequence."""

import hashlib
from dataclasses import dataclass, field

from bench.ledgers.shape import CURRENCY
from bench.ledgers.users import BenchUser
from shards.entry_hash import FIRST_PREV_HASH

NULL = "\\N"
_ROLE_AND_STATUS = "user\topen"
# No password has this hash: nobody logs in as a user of a ledger, tokens are minted.
_NO_PASSWORD = "none"  # noqa: S105 - it is none


@dataclass(frozen=True, slots=True)
class ShardRows:
    """Rows of one shard by table, as lines of COPY's text format."""

    users: list[str] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    movements: list[str] = field(default_factory=list)
    transfers: list[str] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)
    outbox: list[str] = field(default_factory=list)


COLUMNS = {
    "users": "id bucket email name password_hash role status event_sequence created_at",
    "accounts": (
        "user_id currency bucket balance held seq head_hash last_at version spent spent_day"
    ),
    "movements": (
        "id bucket user_id kind currency amount status reason caller idempotency_key fingerprint"
        " metadata balance_before balance_after hash created_at"
    ),
    "transfers": (
        "id bucket payer_id payee_id currency amount status reason caller idempotency_key"
        " fingerprint metadata traceparent attempts next_attempt_at created_at expires_at"
        " debited_at ended_at"
    ),
    "verdicts": "transfer_id bucket payer_id payee_id currency amount verdict reason created_at",
    "entries": (
        "user_id currency seq bucket kind contra amount balance_after transfer_id movement_id"
        " counterparty_id at prev_hash hash"
    ),
    "outbox": "bucket user_id sequence type data traceparent created_at",
}
"""What the lines hold, and in which order users come before their accounts."""


class Wallet:
    """One user and its account, in the order of its time.

    Args:
        user: whose.
        rows: of its shard.
        at: when the user was made, in the spelling of the entries' canonical string.
    """

    def __init__(self, user: BenchUser, rows: ShardRows, *, at: str) -> None:
        self.id = str(user.id)
        self.bucket = user.bucket
        self.balance = 0
        self.changes = 0
        self._user = user
        self._rows = rows
        self._created_at = self._at = at
        self._seq = 0
        self._told = 0
        self._spent = 0
        self._spent_day = NULL
        self._head = FIRST_PREV_HASH.hex()

    def post(self, kind: str, amount: int, *, source: str, counterparty: str, at: str) -> str:
        """Adds an entry to the chain; returns its hash.

        Args:
            kind: of the entry.
            amount: signed minor units.
            source: the movement if there is no counterparty, else the transfer.
            counterparty: the other user of a transfer, or nothing.
            at: not before the last one.
        """
        self._seq += 1
        self._at = at
        self.balance += amount
        previous = self._head
        transfer = source if counterparty else ""
        canonical = (
            f"holdfast.entry.v1|{self.id}|{CURRENCY}|{self._seq}|{amount}|{self.balance}|{kind}"
            f"|{transfer}|{counterparty}|{at}|{previous}"
        )
        self._head = hashlib.sha256(canonical.encode()).hexdigest()
        sources = (
            f"in_transit\t{amount}\t{self.balance}\t{source}\t{NULL}\t{counterparty}"
            if counterparty
            else f"external\t{amount}\t{self.balance}\t{NULL}\t{source}\t{NULL}"
        )
        self._rows.entries.append(
            f"{self.id}\t{CURRENCY}\t{self._seq}\t{self.bucket}\t{kind}\t{sources}\t{at}"
            f"\t\\\\x{previous}\t\\\\x{self._head}\n"
        )
        return self._head

    def spend(self, amount: int, *, at: str) -> None:
        """Counts what is sent on its day; `at` is not before the last time."""
        day = at.partition("T")[0]
        if day != self._spent_day:
            self._spent_day, self._spent = day, 0
        self._spent += amount

    def tell(self, type_: str, data: str, *, trace: str, at: str) -> None:
        """Adds an event with the next number of the user's sequence; `data` is JSON."""
        self._told += 1
        self._rows.outbox.append(
            f"{self.bucket}\t{self.id}\t{self._told}\t{type_}\t{data}\t{trace}\t{at}\n"
        )

    def close(self) -> None:
        """Adds the user and its account as everything has left them."""
        self._rows.users.append(
            f"{self.id}\t{self.bucket}\t{self._user.email}\t{NULL}\t{_NO_PASSWORD}"
            f"\t{_ROLE_AND_STATUS}\t{self._told}\t{self._created_at}\n"
        )
        self._rows.accounts.append(
            f"{self.id}\t{CURRENCY}\t{self.bucket}\t{self.balance}\t0\t{self._seq}"
            f"\t\\\\x{self._head}\t{self._at}\t{self.changes}\t{self._spent}\t{self._spent_day}\n"
        )
