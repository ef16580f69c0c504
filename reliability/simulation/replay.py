"""What users were told by events, from the first on: whether each step was allowed when it was."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from reliability.simulation.wires import Database

# The day on which what an event is about counts: that of its row, of a capture that of its hold.
_EVENTS = """
SELECT
    o.user_id, o.type, o.data::text AS data,
    (coalesce(m.created_at, h.created_at, c.created_at, t.created_at) AT TIME ZONE 'UTC')::date
        AS day
FROM outbox AS o
LEFT JOIN movements AS m ON m.id = (o.data ->> 'movement_id')::uuid
LEFT JOIN transfers AS t ON t.id = (o.data ->> 'transfer_id')::uuid AND t.payer_id = o.user_id
LEFT JOIN holds AS c ON c.id = t.hold_id
LEFT JOIN holds AS h ON h.id = (o.data ->> 'hold_id')::uuid AND t.id IS NULL
ORDER BY o.user_id, o.sequence
"""
_ACCOUNTS = """
SELECT
    user_id, balance::bigint AS balance, held::bigint AS held, daily_limit::bigint AS daily_limit,
    spent::bigint AS spent, spent_day
FROM accounts
"""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Effect:
    """What an event does to balance, held and spent, as signs of its amount."""

    balance: int
    held: int
    spent: int


_NONE = _Effect(0, 0, 0)
_RESERVED = _Effect(0, 1, 1)
_RELEASED = _Effect(0, -1, -1)
_EFFECTS = {
    "user.created": _NONE,
    "user.frozen": _NONE,
    "user.unfrozen": _NONE,
    "user.closed": _NONE,
    "movement.deposited": _Effect(1, 0, 0),
    "movement.withdrawn": _Effect(-1, 0, 1),
    "transfer.held": _RESERVED,
    "transfer.debited": _Effect(-1, -1, 0),
    "transfer.completed": _NONE,
    "transfer.cancelled": _RELEASED,
    "transfer.refunded": _Effect(1, 0, -1),
    "transfer.credited": _Effect(1, 0, 0),
    "hold.open": _RESERVED,
    "hold.captured": _RELEASED,
    "hold.voided": _RELEASED,
    "hold.expired": _RELEASED,
    "account.limit_set": _NONE,
}
# Their event is about what was left.
_ENDS_OF_HOLDS = ("hold.captured", "hold.voided", "hold.expired")


@dataclass(slots=True)
class _Account:
    balance: int = 0
    held: int = 0
    limit: int | None = None
    spent: Counter[date] = field(default_factory=Counter)

    def take(self, event: Row) -> str | None:
        """What is wrong with an event that comes next; None if it may."""
        data = orjson.loads(event["data"])
        amount = int(data.get("amount_minor", 0))
        if event["type"].endswith(".rejected"):
            return self._rejected(data["reason"], amount, event["day"])
        effect = _EFFECTS[event["type"]]
        if event["type"] in _ENDS_OF_HOLDS:
            amount -= int(data["captured_minor"])
        wrong = None
        if effect.spent > 0:
            wrong = self._reason_against(amount, event["day"])
        if event["type"] == "account.limit_set":
            self.limit = None if data["daily_minor"] is None else int(data["daily_minor"])
        self.balance += effect.balance * amount
        self.held += effect.held * amount
        self.spent[event["day"]] += effect.spent * amount
        if not 0 <= self.held <= self.balance:
            wrong = f"balance {self.balance}, held {self.held}"
        return wrong

    def _reason_against(self, amount: int, day: date) -> str | None:
        if self.balance - self.held < amount:
            return "insufficient_funds"
        if self.limit is not None and self.spent[day] + amount > self.limit:
            return "limit_exceeded"
        return None

    def _rejected(self, reason: str, amount: int, day: date) -> str | None:
        if reason not in ("insufficient_funds", "limit_exceeded"):
            return None
        against = self._reason_against(amount, day)
        return None if against == reason else f"rejected, and what stood against it was {against}"


async def objections_to_events(databases: Sequence[Database]) -> list[str]:
    """Replays all events: what was not allowed when it was told, and accounts that differ.

    Needs events from the first on, and users who have one account at the most.
    """
    found = []
    told: defaultdict[UUID, _Account] = defaultdict(_Account)
    for database in databases:
        for event in map(dict, await database.rows(_EVENTS)):
            wrong = told[event["user_id"]].take(event)
            if wrong is not None:
                found.append(f"{event} was told, and should not: {wrong}")
    for database in databases:
        for account in await database.rows(_ACCOUNTS):
            replayed = told[account["user_id"]]
            day = account["spent_day"]
            expected = (replayed.balance, replayed.held, replayed.limit, replayed.spent[day])
            has = (account["balance"], account["held"], account["daily_limit"], account["spent"])
            if has != expected:
                found.append(f"{dict(account)}, and its events come to {expected}")
    return found
