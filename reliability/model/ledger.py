"""What a decision does to rows and money: one local transaction each."""

from reliability.model.state import Verdict, World
from reliability.model.table import (
    CANCELLED,
    COMPLETED,
    CREDITED,
    DEBITED,
    HELD,
    REFUNDED,
    REJECTED,
)


def shift(world: World, wallet: int, *, balance: int = 0, held: int = 0) -> World:
    """Adds to a wallet's balance and to what is held of it."""
    row = world.wallets[wallet]
    return world.with_wallet(
        wallet, row._replace(balance=row.balance + balance, held=row.held + held)
    )


def write_status(world: World, index: int, status: str) -> World:
    """The row of a transfer has this status."""
    return world.with_transfer(index, world.transfers[index]._replace(status=status))


def accept(world: World, index: int) -> World:
    """A new row, and its amount reserved."""
    transfer = world.transfers[index]
    return shift(write_status(world, index, HELD), transfer.payer, held=transfer.amount)


def reject(world: World, index: int) -> World:
    """A new row that says no."""
    return write_status(world, index, REJECTED)


def debit(world: World, index: int, *, amount: int | None = None) -> World:
    """The amount leaves the payer, and is reserved no more."""
    transfer = world.transfers[index]
    changed = transfer._replace(status=DEBITED, debits=transfer.debits + 1)
    return shift(
        world.with_transfer(index, changed),
        transfer.payer,
        balance=-(transfer.amount if amount is None else amount),
        held=-transfer.amount,
    )


def cancel(world: World, index: int) -> World:
    """What was reserved is free again."""
    transfer = world.transfers[index]
    return shift(write_status(world, index, CANCELLED), transfer.payer, held=-transfer.amount)


def give_verdict(world: World, index: int, verdict: Verdict, *, amount: int) -> World:
    """The verdict's row, and the credit when it is one."""
    transfer = world.transfers[index]
    changed = transfer._replace(verdicts=transfer.verdicts | {verdict})
    world = world.with_transfer(index, changed)
    return credit(world, index, amount=amount) if verdict.kind == CREDITED else world


def credit(world: World, index: int, *, amount: int) -> World:
    """The amount reaches the payee."""
    transfer = world.transfers[index]
    changed = transfer._replace(credits=transfer.credits + 1)
    return shift(world.with_transfer(index, changed), transfer.payee, balance=amount)


def complete(world: World, index: int) -> World:
    """Nothing moves here: the payee's shard has credited."""
    return write_status(world, index, COMPLETED)


def refund(world: World, index: int) -> World:
    """The amount comes back to the payer."""
    transfer = world.transfers[index]
    changed = transfer._replace(status=REFUNDED, returns=transfer.returns + 1)
    return shift(world.with_transfer(index, changed), transfer.payer, balance=transfer.amount)
