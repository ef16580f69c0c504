"""Query parameters of lists: every wrong one is named (422), and none is guessed at."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from multidict import MultiMapping

from gateway import parameters
from gateway.cursors import (
    EntryPosition,
    ListScope,
    TransferPosition,
    decode_act_cursor,
    decode_entry_cursor,
    decode_transfer_cursor,
)
from gateway.emails import parse_email
from gateway.parameters import LIMIT_DEFAULT, LIMIT_MAX, Direction, Parameter
from gateway.path_ids import parse_currency_code, parse_uuid
from gateway.problems import FieldError, Problem
from gateway.schemas import ERRORS_MAX
from gateway.timestamps import format_timestamp, parse_timestamp
from sagas.states import Status
from shards.book_rows import EntryKind
from shards.holds import LISTED_HOLDS, HoldStatus
from shards.operator_acts import ActPosition

_LIMIT = re.compile(r"[1-9][0-9]?|100")
_PositionT = TypeVar("_PositionT")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntriesQuery:
    """What of a wallet's entries is asked for; None is no filter. `scope` makes the next cursor."""

    currency: str | None
    kind: EntryKind | None
    since: datetime | None
    until: datetime | None
    limit: int
    after: EntryPosition | None
    scope: ListScope


@dataclass(frozen=True, slots=True, kw_only=True)
class TransfersQuery:
    """What of a wallet's transfers is asked for; None is no filter.

    `scope` makes the next cursor.
    """

    direction: Direction | None
    status: Status | None
    limit: int
    after: TransferPosition | None
    scope: ListScope


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldsQuery:
    """What of a payer's holds is asked for; None is no filter. `scope` makes the next cursor."""

    status: HoldStatus | None
    limit: int
    after: TransferPosition | None
    scope: ListScope


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailQuery:
    """What of the trail is asked for; None is no filter. `scope` makes the next cursor."""

    target: UUID | None
    limit: int
    after: ActPosition | None
    scope: ListScope


def parse_no_query(query: MultiMapping[str]) -> None:
    """Refuses every parameter, for a resource that has none.

    Raises:
        Problem: 422 `unknown_field`.
    """
    if query:
        _Given(query, known=()).finish()


def parse_balance_query(query: MultiMapping[str]) -> datetime | None:
    """The time as of which a balance is asked for; None is now. Whether it is past is not known.

    Raises:
        Problem: 422 that names every wrong parameter.
    """
    given = _Given(query, known=parameters.BALANCE)
    at = given.timestamp("at", rounds_up=False)
    given.finish()
    return at


def parse_entries_query(query: MultiMapping[str], *, wallet_id: UUID) -> EntriesQuery:
    """The parameters of a list of entries.

    Whether the currency exists is the caller's to look up.

    Raises:
        Problem: 422 that names every wrong parameter.
    """
    given = _Given(query, known=parameters.ENTRIES)
    currency = given.currency("currency")
    kind = given.one_of("kind", tuple(EntryKind))
    since = given.timestamp("since", rounds_up=True)
    until = given.timestamp("until", rounds_up=True)
    limit = given.limit()
    filters = (currency, kind, _text(since), _text(until))
    scope = ListScope("entries", wallet_id, filters)
    after = given.position(partial(decode_entry_cursor, scope))
    given.finish()
    return EntriesQuery(
        currency=currency,
        kind=EntryKind(kind) if kind is not None else None,
        since=since,
        until=until,
        limit=limit,
        after=after,
        scope=scope,
    )


def parse_transfers_query(query: MultiMapping[str], *, wallet_id: UUID) -> TransfersQuery:
    """The parameters of a list of transfers.

    Raises:
        Problem: 422 that names every wrong parameter.
    """
    given = _Given(query, known=parameters.TRANSFERS)
    direction = given.one_of("direction", tuple(Direction))
    status = given.one_of("status", tuple(Status))
    limit = given.limit()
    scope = ListScope("transfers", wallet_id, (direction, status))
    after = given.position(partial(decode_transfer_cursor, scope))
    given.finish()
    return TransfersQuery(
        direction=Direction(direction) if direction is not None else None,
        status=Status(status) if status is not None else None,
        limit=limit,
        after=after,
        scope=scope,
    )


def parse_holds_query(query: MultiMapping[str], *, wallet_id: UUID) -> HoldsQuery:
    """The parameters of a list of holds.

    Raises:
        Problem: 422 that names every wrong parameter.
    """
    given = _Given(query, known=parameters.HOLDS)
    status = given.one_of("status", LISTED_HOLDS)
    limit = given.limit()
    scope = ListScope("holds", wallet_id, (status,))
    after = given.position(partial(decode_transfer_cursor, scope))
    given.finish()
    return HoldsQuery(
        status=HoldStatus(status) if status is not None else None,
        limit=limit,
        after=after,
        scope=scope,
    )


def parse_users_query(query: MultiMapping[str]) -> str:
    """The normalised e-mail that a user is looked for by.

    Raises:
        Problem: 422 that names every wrong parameter.
    """
    given = _Given(query, known=parameters.USERS)
    email = given.email("email")
    given.finish()
    assert email is not None, "it is required"
    return email


def parse_trail_query(query: MultiMapping[str]) -> TrailQuery:
    """The parameters of a list of acts.

    Raises:
        Problem: 422 that names every wrong parameter.
    """
    given = _Given(query, known=parameters.TRAIL)
    target = given.id("target")
    limit = given.limit()
    scope = ListScope("trail", None, (str(target) if target is not None else None,))
    after = given.position(partial(decode_act_cursor, scope))
    given.finish()
    return TrailQuery(target=target, limit=limit, after=after, scope=scope)


def _text(at: datetime | None) -> str | None:
    return format_timestamp(at) if at is not None else None


class _Given:
    """Parameters that were given at most once each, and what is wrong with them."""

    def __init__(self, query: MultiMapping[str], *, known: Collection[Parameter]) -> None:
        allowed = {parameter.name for parameter in known}
        self._errors: list[FieldError] = []
        self._values: Mapping[str, str] = dict(query)
        for name in dict.fromkeys(query):
            if name not in allowed:
                self._refuse(name, "unknown_field", "This parameter is not known.")
            elif len(query.getall(name)) > 1:
                self._refuse(name, "invalid_value", "This parameter may be given once.")
        for parameter in known:
            if parameter.required and parameter.name not in self._values:
                self._refuse(parameter.name, "missing", "This parameter is required.")

    def get(self, name: str) -> str | None:
        return self._values.get(name)

    def currency(self, name: str) -> str | None:
        text = self.get(name)
        code = parse_currency_code(text) if text is not None else None
        if text is not None and code is None:
            self._refuse(name, "unknown_currency", "There is no such currency.")
        return code

    def email(self, name: str) -> str | None:
        text = self.get(name)
        email = parse_email(text) if text is not None else None
        if text is not None and email is None:
            self._refuse(name, "invalid_value", "Not the form of an e-mail address.")
        return email

    def id(self, name: str) -> UUID | None:
        text = self.get(name)
        parsed = parse_uuid(text) if text is not None else None
        if text is not None and parsed is None:
            self._refuse(name, "invalid_value", "Must be an id.")
        return parsed

    def one_of(self, name: str, allowed: Collection[str]) -> str | None:
        text = self.get(name)
        values = [str(value) for value in allowed]
        if text is not None and text not in values:
            self._refuse(name, "invalid_value", f"Must be one of {', '.join(values)}.")
        return text

    def timestamp(self, name: str, *, rounds_up: bool) -> datetime | None:
        text = self.get(name)
        at = parse_timestamp(text, rounds_up=rounds_up) if text is not None else None
        if text is not None and at is None:
            self._refuse(
                name, "invalid_value", "Must be RFC 3339 with an offset or Z (+ is written %2B)."
            )
        return at

    def limit(self) -> int:
        text = self.get("limit")
        if text is None:
            return LIMIT_DEFAULT
        if _LIMIT.fullmatch(text) is None:
            self._refuse("limit", "invalid_value", f"Must be an integer from 1 to {LIMIT_MAX}.")
            return LIMIT_DEFAULT
        return int(text)

    def position(self, decode: Callable[[str], _PositionT | None]) -> _PositionT | None:
        cursor = self.get("cursor")
        position = decode(cursor) if cursor is not None else None
        if cursor is not None and position is None:
            self._refuse("cursor", "invalid_value", "Not a cursor of this list with these filters.")
        return position

    def finish(self) -> None:
        if self._errors:
            raise Problem.of_fields(self._errors[:ERRORS_MAX])

    def _refuse(self, name: str, code: str, detail: str) -> None:
        pointer = "/" + name.replace("~", "~0").replace("/", "~1")
        self._errors.append(FieldError(pointer, code, detail))
