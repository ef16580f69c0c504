"""The steps: how each is reached, when it is over, and how its transfer must end."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from reliability.crashpoints.play import Play
from reliability.crashpoints.points import (
    Aftermath,
    CrashPoint,
    NumberedIo,
    Role,
    aftermaths_of,
    fates_of,
)
from reliability.simulation.operations import Fate, Io
from sagas.messages import Step
from sagas.operators import UserAct

FUNDS = 100
AMOUNT = 40
_TOO_MUCH = 140
_DEPOSIT = 25
_NEVER_S = 3_600
_SOON_S = 2
# What the transfer is when there is none.
NO_TRANSFER = "none"

_TRANSACTION = frozenset({Io.STATEMENT, Io.COMMIT})
_MESSAGE = frozenset({Io.ACK, Io.COMMIT_OFFSETS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One step in a world of its own.

    Attributes:
        kinds: of the I/Os that it does.
        ends: the status in which its transfer ends, whatever goes wrong.
        ends_if_abandoned: the statuses it may have too, if a client never returns.
        prepare: brings the world to where the step is next.
        run: begins the step, and returns when it is over.
        letters: dead letters, unless the log loses what they are about.
        acts: acts of operators, unless a client never returns.
        has_messages: whether there is anything that the log could lose.
        hands_over: whether the worker reads the payee's confirms itself, and so sends none.
        is_unlocked: whether steps go without locks first.
    """

    name: str
    role: Role
    kinds: frozenset[Io]
    ends: str
    ends_if_abandoned: frozenset[str] = frozenset()
    prepare: Callable[[Play], Awaitable[None]]
    run: Callable[[Play], Awaitable[None]]
    letters: int = 0
    acts: int = 0
    has_messages: bool = True
    hands_over: bool = False
    is_unlocked: bool = False

    def points(self, ios: Sequence[NumberedIo]) -> list[CrashPoint]:
        """Every fault at each of these I/Os, with each aftermath."""
        return [
            CrashPoint(self.name, io.number, fate, aftermath)
            for io in ios
            for fate in fates_of(io.kind)
            for aftermath in self.aftermaths(io.kind, fate)
        ]

    def aftermaths(self, kind: Io, fate: Fate) -> list[Aftermath]:
        """What can follow this fault here."""
        return [
            aftermath
            for aftermath in aftermaths_of(self.role, kind, fate)
            if self.has_messages or aftermath is not Aftermath.REDRIVEN
        ]


# --- how a step is reached


async def _fund(play: Play) -> None:
    play.client.place = 1
    play.client.ask_deposit(play.payer, FUNDS)
    await play.until(lambda: play.is_idle, reads=False)


async def _hold(play: Play) -> None:
    await _hold_for(play, play.payee, expires_in_s=_NEVER_S)


async def _hold_for(play: Play, payee: UUID, *, expires_in_s: int) -> None:
    await _fund(play)
    play.client.ask_transfer(play.payer, payee, AMOUNT, expires_in_s=expires_in_s)
    await play.until(lambda: play.is_idle, reads=False)


async def _hold_and_freeze(play: Play) -> None:
    await _hold(play)
    play.client.ask_act(play.payer, UserAct.FREEZE)
    await play.until(lambda: play.is_idle, reads=False)


async def _debit(play: Play) -> None:
    await _hold(play)
    await play.until(lambda: play.has_waiting(Step.CONFIRM), reads=True)


async def _hold_for_nobody(play: Play) -> None:
    # Taken on trust while its shard was away: there is no such user.
    await _hold_for(play, UUID(int=play.payee.int ^ 1), expires_in_s=_NEVER_S)


async def _debit_for_nobody(play: Play) -> None:
    await _hold_for_nobody(play)
    await play.until(lambda: play.has_waiting(Step.CONFIRM), reads=True)


async def _expire(play: Play) -> None:
    await _hold_for(play, play.payee, expires_in_s=_SOON_S)
    play.world.log.empty()
    await play.until(lambda: play.has_waiting(Step.CANCEL), reads=False)


async def _poison(play: Play) -> None:
    bucket = play.world.group.buckets[0]
    play.world.append_raw(Step.TRY_CONFIRM, bucket, b"{")
    await _hold(play)


async def _hold_and_lose(play: Play) -> None:
    await _hold(play)
    await _lose(play)


async def _debit_and_lose(play: Play) -> None:
    await _debit(play)
    await _lose(play)


async def _lose(play: Play) -> None:
    """Loses the message, and goes on until redrive looks at a row that is due."""
    play.world.log.empty()
    loop = play.stage.loop
    due_s = loop.time() + _SOON_S + 1
    shard = play.world.database_of(play.world.group.buckets[0]).name
    await play.until(lambda: loop.time() >= due_s and play.next_asked_is_claim(shard), reads=False)


# --- the step itself


def _by_gateway(ask: Callable[[Play], None]) -> Callable[[Play], Awaitable[None]]:
    async def run(play: Play) -> None:
        gateway = play.world.gateways[0]
        assert gateway is not None
        play.client.place = 0
        play.begin(gateway.process, by_message=False)
        ask(play)
        await play.stage.settle()
        await play.until(lambda: play.has_struck or play.is_idle, reads=False)

    return run


def _by_message(step: Step) -> Callable[[Play], Awaitable[None]]:
    async def run(play: Play) -> None:
        play.begin(play.worker.process, by_message=True)
        play.read(step)
        await play.stage.settle()
        await play.until(
            lambda: play.has_struck or (play.counted(Io.COMMIT_OFFSETS) and play.is_idle),
            reads=False,
        )

    return run


async def _by_redrive(play: Play) -> None:
    play.keeps_claims = True
    play.begin(play.worker.process, by_message=False)
    await play.until(lambda: play.has_struck or play.counted(Io.PRODUCE), reads=False)


def _ask_transfer(amount: int) -> Callable[[Play], None]:
    return lambda play: play.client.ask_transfer(
        play.payer, play.payee, amount, expires_in_s=_NEVER_S
    )


_LOCKED = (
    Scenario(
        name="try",
        role=Role.GATEWAY,
        kinds=_TRANSACTION | {Io.CONNECT, Io.PRODUCE},
        ends="completed",
        ends_if_abandoned=frozenset({NO_TRANSFER}),
        prepare=_fund,
        run=_by_gateway(_ask_transfer(AMOUNT)),
    ),
    Scenario(
        name="try-refused",
        role=Role.GATEWAY,
        kinds=_TRANSACTION | {Io.CONNECT},
        ends="rejected",
        ends_if_abandoned=frozenset({NO_TRANSFER}),
        prepare=_fund,
        run=_by_gateway(_ask_transfer(_TOO_MUCH)),
        has_messages=False,
    ),
    Scenario(
        name="move",
        role=Role.GATEWAY,
        kinds=_TRANSACTION | {Io.CONNECT},
        ends=NO_TRANSFER,
        prepare=_fund,
        run=_by_gateway(lambda play: play.client.ask_deposit(play.payer, _DEPOSIT)),
        has_messages=False,
    ),
    Scenario(
        name="cancel",
        role=Role.GATEWAY,
        kinds=_TRANSACTION | {Io.CONNECT},
        ends="cancelled",
        ends_if_abandoned=frozenset({"completed"}),
        prepare=_hold,
        run=_by_gateway(lambda play: play.client.ask_cancel()),
    ),
    Scenario(
        name="try-confirm",
        role=Role.WORKER,
        kinds=_TRANSACTION | _MESSAGE | {Io.PRODUCE},
        ends="completed",
        prepare=_hold,
        run=_by_message(Step.TRY_CONFIRM),
    ),
    Scenario(
        name="try-confirm-cancels",
        role=Role.WORKER,
        kinds=_TRANSACTION | _MESSAGE,
        ends="cancelled",
        prepare=_hold_and_freeze,
        run=_by_message(Step.TRY_CONFIRM),
        acts=1,
    ),
    Scenario(
        name="freeze",
        role=Role.GATEWAY,
        kinds=_TRANSACTION | {Io.CONNECT},
        ends="cancelled",
        ends_if_abandoned=frozenset({"completed"}),
        prepare=_hold,
        run=_by_gateway(lambda play: play.client.ask_act(play.payer, UserAct.FREEZE)),
        acts=1,
    ),
    Scenario(
        name="close",
        role=Role.GATEWAY,
        kinds=_TRANSACTION | {Io.CONNECT},
        ends="refunded",
        ends_if_abandoned=frozenset({"completed"}),
        prepare=_debit,
        run=_by_gateway(lambda play: play.client.ask_act(play.payee, UserAct.CLOSE)),
        acts=1,
    ),
    Scenario(
        name="close-refused",
        role=Role.GATEWAY,
        kinds=frozenset({Io.STATEMENT, Io.CONNECT}),
        ends="completed",
        prepare=_debit,
        run=_by_gateway(lambda play: play.client.ask_act(play.payer, UserAct.CLOSE)),
    ),
    Scenario(
        name="confirm",
        role=Role.WORKER,
        kinds=_TRANSACTION | _MESSAGE,
        ends="completed",
        prepare=_debit,
        run=_by_message(Step.CONFIRM),
    ),
    Scenario(
        name="confirm-refuses",
        role=Role.WORKER,
        kinds=_TRANSACTION | _MESSAGE,
        ends="refunded",
        prepare=_debit_for_nobody,
        run=_by_message(Step.CONFIRM),
    ),
    Scenario(
        name="handed-over",
        role=Role.WORKER,
        kinds=_TRANSACTION | _MESSAGE,
        ends="completed",
        prepare=_hold,
        run=_by_message(Step.TRY_CONFIRM),
        hands_over=True,
    ),
    Scenario(
        name="handed-over-refuses",
        role=Role.WORKER,
        kinds=_TRANSACTION | _MESSAGE,
        ends="refunded",
        prepare=_hold_for_nobody,
        run=_by_message(Step.TRY_CONFIRM),
        hands_over=True,
    ),
    Scenario(
        name="expiry",
        role=Role.WORKER,
        kinds=_TRANSACTION | _MESSAGE,
        ends="cancelled",
        prepare=_expire,
        run=_by_message(Step.CANCEL),
    ),
    Scenario(
        name="redrive-held",
        role=Role.WORKER,
        kinds=frozenset({Io.STATEMENT, Io.PRODUCE}),
        ends="completed",
        prepare=_hold_and_lose,
        run=_by_redrive,
    ),
    Scenario(
        name="redrive-debited",
        role=Role.WORKER,
        kinds=frozenset({Io.STATEMENT, Io.PRODUCE}),
        ends="completed",
        prepare=_debit_and_lose,
        run=_by_redrive,
    ),
    Scenario(
        name="dead-letter",
        role=Role.WORKER,
        kinds=frozenset({Io.STATEMENT, Io.PRODUCE}) | _MESSAGE,
        ends="completed",
        prepare=_poison,
        run=_by_message(Step.TRY_CONFIRM),
        letters=1,
    ),
)


def _unlocked(scenario: Scenario) -> Scenario:
    return replace(scenario, name=f"{scenario.name}-unlocked", is_unlocked=True)


# A payee that does not exist has no row that could be as it was, redrive takes no locks, and acts
# are too rare to go without.
_ALWAYS_LOCKED = {"confirm-refuses", "handed-over-refuses", "freeze", "close"}
SCENARIOS = (
    *_LOCKED,
    *(
        _unlocked(scenario)
        for scenario in _LOCKED
        if scenario.kinds >= _TRANSACTION and scenario.name not in _ALWAYS_LOCKED
    ),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
