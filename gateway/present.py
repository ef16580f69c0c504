"""From rows to what answers show."""

from collections.abc import Sequence
from uuid import UUID

from gateway.currencies import Currencies
from gateway.money import format_amount
from gateway.timestamps import format_timestamp
from gateway.transfer_views import (
    HoldView,
    IncomingTransferView,
    OutgoingTransferView,
    StatusView,
    TransferView,
    stored_metadata,
)
from gateway.views import ActView, CurrencyView, UserView
from gateway.wallet_views import AccountView, EntryView, LimitView, MovementView
from sagas.states import Status
from shards.accounts import Balance
from shards.currencies import Currency
from shards.holds import Hold
from shards.limits import Limit
from shards.lists import ListedEntry
from shards.movements import Movement
from shards.operator_acts import ListedAct
from shards.refunds import Refund
from shards.transfers import Transfer
from shards.users import User
from shards.verdicts import Verdict, VerdictKind


def show_user(user: User) -> UserView:
    """A user; never its password hash."""
    return UserView(
        id=user.id,
        email=user.email,
        name=user.name,
        status=user.status,
        created_at=format_timestamp(user.created_at),
    )


def show_currency(currency: Currency) -> CurrencyView:
    """A currency."""
    return CurrencyView(
        code=currency.code,
        name=currency.name,
        decimals=currency.decimals,
        enabled=currency.enabled,
    )


def show_act(listed: ListedAct) -> ActView:
    """An act of the trail."""
    act = listed.act
    return ActView(
        act=act.act,
        target_id=act.target_id,
        done_by=act.done_by,
        reason=act.reason,
        detail=act.detail,
        at=format_timestamp(act.at),
        bucket=act.bucket,
        seq=act.seq,
        hash=listed.hash.hex(),
        prev_hash=listed.prev_hash.hex(),
    )


def show_balance(balance: Balance, decimals: int) -> AccountView:
    """An account."""
    return AccountView(
        currency=balance.currency,
        balance=format_amount(balance.balance, decimals),
        held=format_amount(balance.held, decimals),
        available=format_amount(balance.available, decimals),
        version=balance.version,
    )


def show_movement(movement: Movement, decimals: int) -> MovementView:
    """A movement that was made."""
    assert movement.balance_before is not None
    assert movement.balance_after is not None
    assert movement.hash is not None
    return MovementView(
        id=movement.id,
        currency=movement.currency,
        amount=format_amount(movement.amount, decimals),
        balance_before=format_amount(movement.balance_before, decimals),
        balance_after=format_amount(movement.balance_after, decimals),
        hash=movement.hash.hex(),
        created_at=format_timestamp(movement.created_at),
    )


def show_transfer(
    transfer: Transfer,
    decimals: int,
    *,
    refunds: Sequence[Refund] = (),
    kind: type[TransferView] = TransferView,
) -> TransferView:
    """A transfer as its payer's shard has it, with what came back of it."""
    created_at = format_timestamp(transfer.created_at)
    timeline = _timeline(transfer, created_at)
    return kind(
        id=transfer.id,
        payer_id=transfer.payer_id,
        payee_id=transfer.payee_id,
        currency=transfer.currency,
        amount=format_amount(transfer.amount, decimals),
        status=transfer.status,
        reason=transfer.reason,
        created_at=created_at,
        updated_at=timeline[-1].at,
        expires_at=format_timestamp(transfer.expires_at),
        metadata=stored_metadata(transfer.metadata),
        timeline=timeline,
        hold_id=transfer.hold_id,
        refund_of=transfer.refund_of,
        amount_refunded=format_amount(sum(refund.amount for refund in refunds), decimals),
        refunds=[refund.transfer_id for refund in refunds],
    )


def show_hold(hold: Hold, decimals: int) -> HoldView:
    """A hold."""
    return HoldView(
        id=hold.id,
        payer_id=hold.payer_id,
        payee_id=hold.payee_id,
        currency=hold.currency,
        amount=format_amount(hold.amount, decimals),
        captured=format_amount(hold.captured, decimals),
        remaining=format_amount(hold.remaining, decimals),
        status=hold.status,
        expires_at=format_timestamp(hold.expires_at),
        created_at=format_timestamp(hold.created_at),
        metadata=stored_metadata(hold.metadata),
    )


def show_limit(limit: Limit, *, user_id: UUID, currency: str, decimals: int) -> LimitView:
    """A spending limit, and what it leaves of this day."""
    daily = limit.daily
    return LimitView(
        user_id=user_id,
        currency=currency,
        daily=format_amount(daily, decimals) if daily is not None else None,
        spent=format_amount(limit.spent, decimals),
        remaining=(
            format_amount(max(daily - limit.spent, 0), decimals) if daily is not None else None
        ),
    )


def show_sent(
    transfer: Transfer, decimals: int, *, refunds: Sequence[Refund]
) -> OutgoingTransferView:
    """A transfer in its payer's list."""
    shown = show_transfer(transfer, decimals, refunds=refunds, kind=OutgoingTransferView)
    assert isinstance(shown, OutgoingTransferView)
    return shown


def show_received(verdict: Verdict, decimals: int) -> IncomingTransferView:
    """A transfer in its payee's list."""
    return IncomingTransferView(
        id=verdict.transfer_id,
        payer_id=verdict.payer_id,
        payee_id=verdict.payee_id,
        currency=verdict.currency,
        amount=format_amount(verdict.amount, decimals),
        status="completed" if verdict.kind is VerdictKind.CREDITED else "refunded",
        created_at=format_timestamp(verdict.created_at),
    )


def show_entry(entry: ListedEntry, decimals: int) -> EntryView:
    """A ledger row."""
    return EntryView(
        seq=entry.seq,
        currency=entry.currency,
        amount=format_amount(entry.amount, decimals),
        balance_before=format_amount(entry.balance_after - entry.amount, decimals),
        balance_after=format_amount(entry.balance_after, decimals),
        kind=entry.kind,
        transfer_id=entry.transfer_id,
        counterparty=entry.counterparty_id,
        at=format_timestamp(entry.at),
        hash=entry.hash.hex(),
        prev_hash=entry.prev_hash.hex(),
    )


def _timeline(transfer: Transfer, created_at: str) -> list[StatusView]:
    if transfer.status == Status.REJECTED:
        return [StatusView(status=Status.REJECTED, at=created_at)]
    later = ((Status.DEBITED, transfer.debited_at), (transfer.status, transfer.ended_at))
    first = [StatusView(status=Status.HELD, at=created_at)]
    return [
        # A capture is born debited: its hold was there before.
        *(first if transfer.hold_id is None else ()),
        *(StatusView(status=of, at=format_timestamp(at)) for of, at in later if at is not None),
    ]


async def decimals_of(currencies: Currencies, codes: set[str]) -> dict[str, int]:
    """The digits of the currencies that rows are in."""
    return {code: await currencies.decimals(code) for code in codes}
