"""What happens to the system: faults, clocks, people. Nothing of this is its own doing."""

from collections.abc import Iterator

from reliability.model.ledger import shift
from reliability.model.scope import DEPOSIT, WITHDRAWAL, Scope
from reliability.model.state import NONE, Message, Move, Transfer, World, lose
from reliability.model.table import CANCEL, CLOSED, CONFIRM, DEBITED, HELD, OPEN, TRY_CONFIRM

# The same text for each message: a dead letter decides nothing, so it is a message lost.
LOST = "Kafka loses {}, or it becomes a dead letter"
INVENTED = "invented"
OTHER_AMOUNT = "its amount changed"

_LOST = {step: LOST.format(step) for step in (TRY_CONFIRM, CONFIRM, CANCEL)}


def happenings(scope: Scope, world: World) -> Iterator[Move]:
    """All that may happen next without the system's doing."""
    for index, transfer in enumerate(world.transfers):
        yield from _to_transfer(scope, world, index, transfer)
    for index, statuses in enumerate(scope.statuses):
        wallet = world.wallets[index]
        for status in statuses:
            if status != wallet.status:
                after = world.with_wallet(index, wallet._replace(status=status))
                yield Move(-1, f"wallet {index + 1} becomes {status}", after, own=False)
    if scope.moves_money:
        yield from _movements(world)
    if world.holds and scope.expires:
        yield from _expiries_of_holds(world)
    if scope.limits:
        yield from _limits_and_days(scope, world)


def _to_transfer(scope: Scope, world: World, index: int, transfer: Transfer) -> Iterator[Move]:
    if scope.loses:
        for message in sorted(transfer.log):
            yield Move(index, _LOST[message.step], lose(world, index, message), own=False)
    if transfer.handed:
        after = world.with_transfer(index, transfer._replace(handed=frozenset()))
        yield Move(index, "the worker that has the verdict dies", after, own=False)
    may_expire = transfer.hold == NONE and transfer.status in (HELD, DEBITED)
    if scope.expires and not transfer.expired and may_expire:
        after = world.with_transfer(index, transfer._replace(expired=True))
        yield Move(index, "the clock passes its expiry", after, own=False)


def _movements(world: World) -> Iterator[Move]:
    wallet = world.wallets[0]
    if "deposit" not in world.moved and wallet.status != CLOSED:
        after = shift(world, 0, balance=DEPOSIT)._replace(moved=world.moved | {"deposit"})
        yield Move(-1, "deposit", after, own=False)
    may_withdraw = wallet.status == OPEN and wallet.balance - wallet.held >= WITHDRAWAL
    if "withdrawal" not in world.moved and may_withdraw:
        after = shift(world, 0, balance=-WITHDRAWAL)._replace(moved=world.moved | {"withdrawal"})
        yield Move(-1, "withdrawal", after, own=False)


def _expiries_of_holds(world: World) -> Iterator[Move]:
    for index, hold in enumerate(world.holds):
        if hold.status == OPEN and not hold.expired:
            after = world.with_hold(index, hold._replace(expired=True))
            yield Move(-1, f"the clock passes the expiry of hold {index + 1}", after, own=False)


def _limits_and_days(scope: Scope, world: World) -> Iterator[Move]:
    for index, limits in enumerate(scope.limits):
        wallet = world.wallets[index]
        assert wallet.spending is not None
        for limit in limits:
            if limit != wallet.spending.limit:
                spending = wallet.spending._replace(limit=limit)
                after = world.with_wallet(index, wallet._replace(spending=spending))
                what = f"the daily limit of wallet {index + 1} becomes {limit}"
                yield Move(-1, what, after, own=False)
    if world.day < scope.days:
        yield Move(-1, "a day passes", world._replace(day=world.day + 1), own=False)
    if scope.turns_back and world.day:
        after = world._replace(day=world.day - 1)
        yield Move(-1, "the clock is set back a day", after, own=False)


def forgeries(transfer: Transfer) -> Iterator[Message]:
    """What somebody who can write to the topics, and has no key, may write about a transfer."""
    for topic in (TRY_CONFIRM, CONFIRM, CANCEL):
        yield Message(topic, topic, transfer.amount, INVENTED)
        yield Message(topic, topic, 2 * transfer.amount, INVENTED)
        for seen in sorted(transfer.log):
            if seen.topic == topic:
                yield seen._replace(amount=2 * seen.amount, forgery=OTHER_AMOUNT)
            else:
                yield seen._replace(topic=topic)
