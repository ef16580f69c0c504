"""The steps of holds: each is the gateway's, but for expiry, and what the payee's shard says."""

from collections.abc import Callable

from reliability.crashpoints.play import Look, Play
from reliability.crashpoints.points import Role
from reliability.crashpoints.scenario import MESSAGE, REQUEST, TRANSACTION, End, Scenario
from reliability.crashpoints.ways import (
    AMOUNT,
    NEVER_S,
    SOON_S,
    answered,
    by_gateway,
    by_look,
    by_message,
    fund,
    next_look,
    nobody,
)
from reliability.simulation.operations import Io
from sagas.messages import Step

_PART = 15


async def _open(play: Play) -> None:
    await fund(play)
    play.client.ask_hold(play.payer, play.payee, AMOUNT, expires_in_s=NEVER_S)
    await answered(play)


async def _open_and_expire(play: Play) -> None:
    await fund(play)
    play.client.ask_hold(play.payer, play.payee, AMOUNT, expires_in_s=SOON_S)
    await answered(play)
    await next_look(play, Look.EXPIRY, in_s=SOON_S)


async def _capture_for_nobody(play: Play) -> None:
    await fund(play)
    play.client.ask_hold(play.payer, nobody(play), AMOUNT, expires_in_s=NEVER_S)
    await answered(play)
    play.client.ask_capture(_PART, is_final=False)
    await play.until(lambda: play.has_waiting(Step.CONFIRM), reads=True)


def _ask_hold(play: Play) -> None:
    play.client.ask_hold(play.payer, play.payee, AMOUNT, expires_in_s=NEVER_S)


def _ask_capture(*, is_final: bool) -> Callable[[Play], None]:
    return lambda play: play.client.ask_capture(_PART, is_final=is_final)


def _ask_void(*, by_operator: bool) -> Callable[[Play], None]:
    return lambda play: play.client.ask_void(by_operator=by_operator)


_OPEN = End(hold="open")

HOLDS = (
    Scenario(
        name="hold",
        role=Role.GATEWAY,
        kinds=REQUEST,
        ends=_OPEN,
        ends_if_abandoned=frozenset({End()}),
        prepare=fund,
        run=by_gateway(_ask_hold),
        has_messages=False,
    ),
    Scenario(
        name="capture",
        role=Role.GATEWAY,
        kinds=REQUEST | {Io.PRODUCE},
        ends=End(transfer="completed", hold="open", captured=_PART),
        ends_if_abandoned=frozenset({_OPEN}),
        prepare=_open,
        run=by_gateway(_ask_capture(is_final=False)),
    ),
    Scenario(
        name="capture-final",
        role=Role.GATEWAY,
        kinds=REQUEST | {Io.PRODUCE},
        ends=End(transfer="completed", hold="captured", captured=_PART),
        ends_if_abandoned=frozenset({_OPEN}),
        prepare=_open,
        run=by_gateway(_ask_capture(is_final=True)),
    ),
    Scenario(
        name="capture-returned",
        role=Role.WORKER,
        kinds=TRANSACTION | MESSAGE,
        ends=End(transfer="refunded", hold="open", captured=_PART),
        prepare=_capture_for_nobody,
        run=by_message(Step.CONFIRM),
    ),
    Scenario(
        name="void",
        role=Role.GATEWAY,
        kinds=REQUEST,
        ends=End(hold="voided"),
        ends_if_abandoned=frozenset({_OPEN}),
        prepare=_open,
        run=by_gateway(_ask_void(by_operator=False)),
        has_messages=False,
    ),
    Scenario(
        name="void-by-operator",
        role=Role.GATEWAY,
        kinds=REQUEST,
        ends=End(hold="voided", acts=1),
        ends_if_abandoned=frozenset({_OPEN}),
        prepare=_open,
        run=by_gateway(_ask_void(by_operator=True)),
        has_messages=False,
    ),
    Scenario(
        name="hold-expiry",
        role=Role.LOOP,
        kinds=TRANSACTION,
        ends=End(hold="expired"),
        prepare=_open_and_expire,
        run=by_look(Look.EXPIRY, until=Io.COMMIT),
    ),
)
