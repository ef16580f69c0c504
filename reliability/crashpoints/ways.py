"""The ways to a step and through it, that scenarios are put together from."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from reliability.crashpoints.play import Look, Play
from reliability.simulation.operations import Io
from sagas.messages import Step
from sagas.operators import UserAct

FUNDS = 100
AMOUNT = 40
NEVER_S = 3_600
SOON_S = 2

Way = Callable[[Play], Awaitable[None]]


def nobody(play: Play) -> UUID:
    """Who is taken on trust while its shard is away: there is no such user."""
    return UUID(int=play.payee.int ^ 1)


# --- to a step: all of it by the other gateway


async def fund(play: Play) -> None:
    """Gives the payer money."""
    play.client.place = 1
    play.client.ask_deposit(play.payer, FUNDS)
    await answered(play)


async def hold_for(
    play: Play, payee: UUID, *, expires_in_s: int = NEVER_S, amount: int = AMOUNT
) -> None:
    """Funds the payer, and lets it pay; nothing is read."""
    await fund(play)
    play.client.ask_transfer(play.payer, payee, amount, expires_in_s=expires_in_s)
    await answered(play)


async def held(play: Play) -> None:
    """A transfer that is held, its try-confirm not yet read."""
    await hold_for(play, play.payee)


async def debited(play: Play) -> None:
    """A transfer that is debited, its confirm not yet read."""
    await held(play)
    await play.until(lambda: play.has_waiting(Step.CONFIRM), reads=True)


async def answered(play: Play) -> None:
    """Goes on until the client has its answer; messages stay where they are."""
    await play.until(lambda: play.is_idle, reads=False)


async def act(play: Play, user: UUID, what: UserAct) -> None:
    """An operator freezes or closes a user."""
    play.client.ask_act(user, what)
    await answered(play)


async def next_look(play: Play, look: Look, *, in_s: float) -> None:
    """Loses all messages, and goes on until a worker looks for what is due in so many seconds."""
    play.world.log.empty()
    loop = play.stage.loop
    due_s = loop.time() + in_s
    shard = play.world.database_of(play.world.group.buckets[0]).name
    await play.until(lambda: loop.time() >= due_s and play.next_is(look, shard), reads=False)


# --- through it


def by_gateway(ask: Callable[[Play], None]) -> Way:
    """A request, until it is answered."""

    async def run(play: Play) -> None:
        gateway = play.world.gateways[0]
        assert gateway is not None
        play.client.place = 0
        play.begin(gateway.process, by_message=False)
        ask(play)
        await play.stage.settle()
        await play.until(lambda: play.has_struck or play.is_idle, reads=False)

    return run


def by_message(step: Step) -> Way:
    """A message, until its offset is committed."""

    async def run(play: Play) -> None:
        play.begin(play.worker.process, by_message=True)
        play.read(step)
        await play.stage.settle()
        await play.until(
            lambda: play.has_struck or (play.counted(Io.COMMIT_OFFSETS) and play.is_idle),
            reads=False,
        )

    return run


def by_look(look: Look, *, until: Io) -> Way:
    """A round of one of the worker's loops, until it has done an I/O of this kind."""

    async def run(play: Play) -> None:
        play.begin(play.worker.process, by_message=False, look=look)
        await play.until(lambda: play.has_struck or play.counted(until), reads=False)

    return run
