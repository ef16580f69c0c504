"""The steps of transfers and movements."""

from collections.abc import Callable

from reliability.crashpoints.play import Look, Play
from reliability.crashpoints.points import Role
from reliability.crashpoints.scenario import MESSAGE, REQUEST, TRANSACTION, End, Scenario
from reliability.crashpoints.ways import (
    AMOUNT,
    NEVER_S,
    SOON_S,
    act,
    by_gateway,
    by_look,
    by_message,
    debited,
    fund,
    held,
    hold_for,
    next_look,
    nobody,
)
from reliability.simulation.nodes import TIMING
from reliability.simulation.operations import Io
from sagas.messages import Step
from sagas.operators import UserAct

_TOO_MUCH = 140
_DEPOSIT = 25
_REDRIVEN_IN_S = TIMING.redrive_after.total_seconds()


async def _hold_and_freeze(play: Play) -> None:
    await held(play)
    await act(play, play.payer, UserAct.FREEZE)


async def _hold_for_nobody(play: Play) -> None:
    await hold_for(play, nobody(play))


async def _debit_for_nobody(play: Play) -> None:
    await _hold_for_nobody(play)
    await play.until(lambda: play.has_waiting(Step.CONFIRM), reads=True)


async def _expire(play: Play) -> None:
    await hold_for(play, play.payee, expires_in_s=SOON_S)
    play.world.log.empty()
    await play.until(lambda: play.has_waiting(Step.CANCEL), reads=False)


async def _poison(play: Play) -> None:
    bucket = play.world.group.buckets[0]
    play.world.append_raw(Step.TRY_CONFIRM, bucket, b"{")
    await held(play)


async def _hold_and_lose(play: Play) -> None:
    await held(play)
    await next_look(play, Look.REDRIVE, in_s=_REDRIVEN_IN_S)


async def _debit_and_lose(play: Play) -> None:
    await debited(play)
    await next_look(play, Look.REDRIVE, in_s=_REDRIVEN_IN_S)


def _ask_transfer(amount: int) -> Callable[[Play], None]:
    return lambda play: play.client.ask_transfer(
        play.payer, play.payee, amount, expires_in_s=NEVER_S
    )


TRANSFERS = (
    Scenario(
        name="try",
        role=Role.GATEWAY,
        kinds=REQUEST | {Io.PRODUCE},
        ends=End(transfer="completed"),
        ends_if_abandoned=frozenset({End()}),
        prepare=fund,
        run=by_gateway(_ask_transfer(AMOUNT)),
    ),
    Scenario(
        name="try-refused",
        role=Role.GATEWAY,
        kinds=REQUEST,
        ends=End(transfer="rejected"),
        ends_if_abandoned=frozenset({End()}),
        prepare=fund,
        run=by_gateway(_ask_transfer(_TOO_MUCH)),
        has_messages=False,
    ),
    Scenario(
        name="move",
        role=Role.GATEWAY,
        kinds=REQUEST,
        ends=End(),
        prepare=fund,
        run=by_gateway(lambda play: play.client.ask_deposit(play.payer, _DEPOSIT)),
        has_messages=False,
    ),
    Scenario(
        name="cancel",
        role=Role.GATEWAY,
        kinds=REQUEST,
        ends=End(transfer="cancelled"),
        ends_if_abandoned=frozenset({End(transfer="completed")}),
        prepare=held,
        run=by_gateway(lambda play: play.client.ask_cancel()),
    ),
    Scenario(
        name="try-confirm",
        role=Role.WORKER,
        kinds=TRANSACTION | MESSAGE | {Io.PRODUCE},
        ends=End(transfer="completed"),
        prepare=held,
        run=by_message(Step.TRY_CONFIRM),
    ),
    Scenario(
        name="try-confirm-cancels",
        role=Role.WORKER,
        kinds=TRANSACTION | MESSAGE,
        ends=End(transfer="cancelled", acts=1),
        prepare=_hold_and_freeze,
        run=by_message(Step.TRY_CONFIRM),
    ),
    Scenario(
        name="confirm",
        role=Role.WORKER,
        kinds=TRANSACTION | MESSAGE,
        ends=End(transfer="completed"),
        prepare=debited,
        run=by_message(Step.CONFIRM),
    ),
    Scenario(
        name="confirm-refuses",
        role=Role.WORKER,
        kinds=TRANSACTION | MESSAGE,
        ends=End(transfer="refunded"),
        prepare=_debit_for_nobody,
        run=by_message(Step.CONFIRM),
    ),
    Scenario(
        name="handed-over",
        role=Role.WORKER,
        kinds=TRANSACTION | MESSAGE,
        ends=End(transfer="completed"),
        prepare=held,
        run=by_message(Step.TRY_CONFIRM),
        hands_over=True,
    ),
    Scenario(
        name="handed-over-refuses",
        role=Role.WORKER,
        kinds=TRANSACTION | MESSAGE,
        ends=End(transfer="refunded"),
        prepare=_hold_for_nobody,
        run=by_message(Step.TRY_CONFIRM),
        hands_over=True,
    ),
    Scenario(
        name="expiry",
        role=Role.WORKER,
        kinds=TRANSACTION | MESSAGE,
        ends=End(transfer="cancelled"),
        prepare=_expire,
        run=by_message(Step.CANCEL),
    ),
    Scenario(
        name="redrive-held",
        role=Role.WORKER,
        kinds=frozenset({Io.STATEMENT, Io.PRODUCE}),
        ends=End(transfer="completed"),
        prepare=_hold_and_lose,
        run=by_look(Look.REDRIVE, until=Io.PRODUCE),
    ),
    Scenario(
        name="redrive-debited",
        role=Role.WORKER,
        kinds=frozenset({Io.STATEMENT, Io.PRODUCE}),
        ends=End(transfer="completed"),
        prepare=_debit_and_lose,
        run=by_look(Look.REDRIVE, until=Io.PRODUCE),
    ),
    Scenario(
        name="dead-letter",
        role=Role.WORKER,
        kinds=frozenset({Io.STATEMENT, Io.PRODUCE}) | MESSAGE,
        ends=End(transfer="completed"),
        prepare=_poison,
        run=by_message(Step.TRY_CONFIRM),
        letters=1,
    ),
)
