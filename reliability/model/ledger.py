"""What a decision does to rows and money: one local transaction each."""

from reliability.model.spending import day_of, give_back, spend
from reliability.model.state import NONE, Transfer, Verdict, World
from reliability.model.table import (
    CANCELLED,
    CAPTURED,
    COMPLETED,
    CREDITED,
    DEBITED,
    HELD,
    OPEN,
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


def shift_refunded(world: World, of: int, amount: int) -> World:
    """Adds to what is refunded of a transfer, on its verdict's row: its payee is who refunds."""
    if of == NONE:
        return world
    refunded = world.transfers[of]
    return world.with_transfer(of, refunded._replace(refunded=refunded.refunded + amount))


def accept(world: World, index: int) -> World:
    """A new row, and its amount reserved."""
    transfer = world.transfers[index]
    world = spend(world, transfer.payer, transfer.amount)
    held = transfer._replace(status=HELD, day=day_of(world, transfer.payer))
    world = shift(world.with_transfer(index, held), transfer.payer, held=transfer.amount)
    return shift_refunded(world, transfer.refund_of, transfer.amount)


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
    after = shift(write_status(world, index, CANCELLED), transfer.payer, held=-transfer.amount)
    return _undone(after, transfer)


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
    after = shift(world.with_transfer(index, changed), transfer.payer, balance=transfer.amount)
    return _undone(after, transfer)


def _undone(world: World, transfer: Transfer) -> World:
    """What is cancelled or returned is neither spent nor refunded."""
    after = give_back(world, transfer.payer, transfer.amount, day=transfer.day)
    return shift_refunded(after, transfer.refund_of, -transfer.amount)


def open_hold(world: World, hold: int) -> World:
    """A new row, and its amount reserved."""
    row = world.holds[hold]
    world = spend(world, row.payer, row.amount)
    opened = row._replace(status=OPEN, day=day_of(world, row.payer))
    return shift(world.with_hold(hold, opened), row.payer, held=row.amount)


def write_hold_status(world: World, hold: int, status: str) -> World:
    """The row of a hold has this status."""
    return world.with_hold(hold, world.holds[hold]._replace(status=status))


def capture(world: World, index: int, *, final: bool) -> World:
    """A transfer that is born debited, of what its hold reserved; a hold that is used up ends."""
    transfer = world.transfers[index]
    row = world.holds[transfer.hold]
    captured = row.captured + transfer.amount
    world = world.with_hold(transfer.hold, row._replace(captured=captured))
    # The hold was counted, so its day is the day of what may be given back.
    world = debit(world.with_transfer(index, transfer._replace(day=row.day)), index)
    is_over = final or captured >= row.amount
    return end_hold(world, transfer.hold, CAPTURED) if is_over else world


def end_hold(world: World, hold: int, status: str) -> World:
    """What captures have left of it is free again."""
    row = world.holds[hold]
    rest = row.amount - row.captured
    world = shift(write_hold_status(world, hold, status), row.payer, held=-rest)
    return give_back(world, row.payer, rest, day=row.day)
