"""What an account may spend on a day: counted on its row when it is reserved, and given back.

Everything here is done under the lock of the account's owner, in the transaction that reserves or
lets go; scopes without limits have nothing to count.
"""

from reliability.model.state import Spending, World


def may_spend(world: World, wallet: int, amount: int) -> bool:
    """Whether the amount is within what is left of the day's limit."""
    spending = world.wallets[wallet].spending
    if spending is None or spending.limit is None:
        return True
    return today(world, spending).spent + amount <= spending.limit


def today(world: World, spending: Spending) -> Spending:
    """What stands there when something is spent now: nothing, on a new day.

    The day never goes back: a clock that is set back still spends on the last day.
    """
    return spending if spending.day >= world.day else spending._replace(spent=0, day=world.day)


def spend(world: World, wallet: int, amount: int) -> World:
    """The amount counts on the day that `day_of` then tells."""
    row = world.wallets[wallet]
    if row.spending is None:
        return world
    spending = today(world, row.spending)
    counted = spending._replace(spent=spending.spent + amount)
    return world.with_wallet(wallet, row._replace(spending=counted))


def day_of(world: World, wallet: int) -> int:
    """The day that a row which has just been counted belongs to."""
    spending = world.wallets[wallet].spending
    return 0 if spending is None else spending.day


def give_back(world: World, wallet: int, amount: int, *, day: int) -> World:
    """The amount counts no more on the day from which it was taken; a day that is over is left."""
    row = world.wallets[wallet]
    if row.spending is None or row.spending.day != day:
        return world
    counted = row.spending._replace(spent=row.spending.spent - amount)
    return world.with_wallet(wallet, row._replace(spending=counted))
