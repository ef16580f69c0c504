"""GET wallets, balances, entries and lists of transfers: what an owner can see."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Final, TypeAlias
from uuid import UUID

from aiohttp import hdrs, web

from gateway import parameters
from gateway.auth import authenticate, readable_wallet, require_currency, require_user
from gateway.currencies import Currencies
from gateway.cursors import (
    EntryPosition,
    TransferPosition,
    encode_entry_cursor,
    encode_transfer_cursor,
)
from gateway.money import format_amount
from gateway.operations import Operation, Route, Shown, Tag, Who
from gateway.pages import page_response
from gateway.parameters import Direction
from gateway.path_ids import path_currency_code
from gateway.present import (
    decimals_of,
    show_balance,
    show_entry,
    show_received,
    show_sent,
)
from gateway.problems import Problem
from gateway.query import (
    TransfersQuery,
    parse_balance_query,
    parse_entries_query,
    parse_no_query,
    parse_transfers_query,
)
from gateway.rate_limits import admit
from gateway.timestamps import format_timestamp
from gateway.tokens import Tokens
from gateway.transfer_views import IncomingTransferView, OutgoingTransferView
from gateway.views import json_response
from gateway.wallet_views import AccountView, EntryView, PastBalanceView, WalletView
from sagas.states import Status
from shards.accounts import read_balance, read_balance_at, read_balances
from shards.connection import Connection
from shards.lists import EntryFilter, list_entries, list_received, list_sent
from shards.refunds import read_refunds
from shards.router import ShardMap
from shards.shard import Shard
from shards.transfers import Transfer
from shards.users import find_users
from shards.verdicts import Verdict, VerdictKind

_Listed: TypeAlias = "tuple[tuple[datetime, UUID], Transfer | Verdict]"

# What a payee sees of a transfer, by the verdict; other statuses are the payer's to see.
_SEEN_AS = {
    Status.COMPLETED: VerdictKind.CREDITED,
    Status.REFUNDED: VerdictKind.REFUSED,
}


_WALLET = "/v1/wallets/{user_id}"
WALLET: Final = Operation(
    method=hdrs.METH_GET,
    path=_WALLET,
    name="get_wallet",
    tag=Tag.WALLETS,
    who=Who.OWNER_OR_OPERATOR,
    shown={200: Shown(says="The accounts that exist.", view=WalletView)},
)
BALANCE: Final = Operation(
    method=hdrs.METH_GET,
    path=f"{_WALLET}/balances/{{currency}}",
    name="get_balance",
    tag=Tag.WALLETS,
    who=Who.OWNER_OR_OPERATOR,
    query=parameters.BALANCE,
    shown={
        200: Shown(
            says="The account; with `at`, its balance then.", view=AccountView | PastBalanceView
        )
    },
)
ENTRIES: Final = Operation(
    method=hdrs.METH_GET,
    path=f"{_WALLET}/entries",
    name="list_entries",
    tag=Tag.LEDGER,
    who=Who.OWNER_OR_OPERATOR,
    query=parameters.ENTRIES,
    shown={200: Shown(says="A page of entries.", view=EntryView, is_page=True)},
    refusals=("unknown_currency",),
)
TRANSFERS: Final = Operation(
    method=hdrs.METH_GET,
    path=f"{_WALLET}/transfers",
    name="list_transfers",
    tag=Tag.TRANSFERS,
    who=Who.OWNER_OR_OPERATOR,
    query=parameters.TRANSFERS,
    shown={
        200: Shown(
            says="A page of transfers.",
            view=OutgoingTransferView | IncomingTransferView,
            is_page=True,
        )
    },
)


class WalletRoutes:
    """Reads of one wallet, all from its own shard."""

    def __init__(self, *, shards: ShardMap, tokens: Tokens, currencies: Currencies) -> None:
        self._shards = shards
        self._tokens = tokens
        self._currencies = currencies

    def table(self) -> list[Route]:
        """Each operation, and what does it."""
        return [
            WALLET.route(self.wallet),
            BALANCE.route(self.balance),
            ENTRIES.route(self.entries),
            TRANSFERS.route(self.transfers),
        ]

    async def wallet(self, request: web.Request) -> web.Response:
        """200 with the accounts that exist."""
        user_id, shard = await self._wallet_of(request)
        await admit(request)
        async with shard.connection() as conn:
            balances = await read_balances(conn, user_id=user_id)
        if balances is None:
            raise Problem("not_found")
        parse_no_query(request.query)
        decimals = await decimals_of(self._currencies, {b.currency for b in balances})
        shown = [show_balance(b, decimals[b.currency]) for b in balances]
        return json_response(WalletView(user_id=user_id, accounts=shown))

    async def balance(self, request: web.Request) -> web.Response:
        """200 with one account, zeros where there is none yet; with `at`, its balance then."""
        user_id, shard = await self._wallet_of(request)
        code = path_currency_code(request)
        currency = await require_currency(self._currencies, code)
        await admit(request)
        async with shard.connection() as conn:
            balance = await read_balance(conn, user_id=user_id, currency=code)
            if balance is None:
                raise Problem("not_found")
            at = parse_balance_query(request.query)
            if at is None:
                return json_response(show_balance(balance, currency.decimals))
            then = await read_balance_at(conn, user_id=user_id, currency=code, at=at)
        if then is None:
            raise Problem.of_field("/at", "invalid_value", "Must not be in the future.")
        return json_response(
            PastBalanceView(
                currency=code,
                balance=format_amount(then, currency.decimals),
                at=format_timestamp(at),
            )
        )

    async def entries(self, request: web.Request) -> web.Response:
        """200 with a page of entries, newest first."""
        user_id, shard = await self._wallet_of(request)
        await admit(request)
        query = parse_entries_query(request.query, wallet_id=user_id)
        if query.currency is not None and await self._currencies.find(query.currency) is None:
            raise Problem.of_field("/currency", "unknown_currency", "There is no such currency.")
        after = query.after
        wanted = EntryFilter(
            currency=query.currency,
            kind=query.kind,
            since=query.since,
            until=query.until,
            after=(after.at, after.currency, after.seq) if after is not None else None,
        )
        async with shard.connection() as conn:
            entries = await list_entries(
                conn, user_id=user_id, wanted=wanted, limit=query.limit + 1
            )
            if not entries:
                await _require_user(conn, user_id)
        page, cursor = entries[: query.limit], None
        if len(entries) > query.limit:
            last = page[-1]
            cursor = encode_entry_cursor(
                query.scope, EntryPosition(last.at, last.currency, last.seq)
            )
        decimals = await decimals_of(self._currencies, {e.currency for e in page})
        shown = [show_entry(e, decimals[e.currency]) for e in page]
        return page_response(request, shown, cursor)

    async def transfers(self, request: web.Request) -> web.Response:
        """200 with a page of transfers, sent and received, newest first."""
        user_id, shard = await self._wallet_of(request)
        await admit(request)
        query = parse_transfers_query(request.query, wallet_id=user_id)
        async with shard.connection() as conn:
            sent = await _list_sent(conn, user_id, query)
            received = await _list_received(conn, user_id, query)
            refunds = await read_refunds(conn, [row.id for _, row in sent if row.debited_at])
            if not sent and not received:
                await _require_user(conn, user_id)
        newest: list[_Listed] = sorted(
            [*sent, *received], key=lambda listed: listed[0], reverse=True
        )
        page, cursor = list(islice(newest, query.limit)), None
        if len(newest) > query.limit:
            cursor = encode_transfer_cursor(query.scope, TransferPosition(*page[-1][0]))
        decimals = await decimals_of(self._currencies, {row.currency for _, row in page})
        shown = [
            show_sent(row, decimals[row.currency], refunds=refunds.get(row.id, ()))
            if isinstance(row, Transfer)
            else show_received(row, decimals[row.currency])
            for _, row in page
        ]
        return page_response(request, shown, cursor)

    async def _wallet_of(self, request: web.Request) -> tuple[UUID, Shard]:
        principal = authenticate(request, self._tokens)
        user_id = readable_wallet(request, principal)
        if not self._shards.knows(user_id):
            raise Problem("not_found")
        # Who has a token has a wallet: nothing needs to be read before a request too many is
        # refused. Only an operator may ask for a wallet that is not there.
        if user_id != principal.user_id:
            await require_user(self._shards, user_id)
        return user_id, self._shards.of_id(user_id)


async def _require_user(conn: Connection, user_id: UUID) -> None:
    """Tells an empty list from the list of nobody."""
    if user_id not in await find_users(conn, {user_id}):
        raise Problem("not_found")


async def _list_sent(
    conn: Connection, user_id: UUID, query: TransfersQuery
) -> "Sequence[tuple[tuple[datetime, UUID], Transfer]]":
    if query.direction is Direction.IN:
        return []
    rows = await list_sent(
        conn,
        payer_id=user_id,
        status=query.status,
        after=_after(query),
        limit=query.limit + 1,
    )
    return [((row.created_at, row.id), row) for row in rows]


async def _list_received(
    conn: Connection, user_id: UUID, query: TransfersQuery
) -> "Sequence[tuple[tuple[datetime, UUID], Verdict]]":
    if query.direction is Direction.OUT:
        return []
    if query.status is not None and query.status not in _SEEN_AS:
        return []
    rows = await list_received(
        conn,
        payee_id=user_id,
        verdict=_SEEN_AS[query.status] if query.status is not None else None,
        after=_after(query),
        limit=query.limit + 1,
    )
    return [((row.created_at, row.transfer_id), row) for row in rows]


def _after(query: TransfersQuery) -> tuple[datetime, UUID] | None:
    return (query.after.created_at, query.after.id) if query.after is not None else None
