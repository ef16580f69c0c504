"""The steps of refunds that a person asks for."""

from reliability.crashpoints.play import Play
from reliability.crashpoints.points import Role
from reliability.crashpoints.scenario import MESSAGE, REQUEST, TRANSACTION, End, Scenario
from reliability.crashpoints.ways import (
    FUNDS,
    NEVER_S,
    act,
    answered,
    by_gateway,
    by_message,
    held,
    hold_for,
)
from reliability.simulation.operations import Io
from sagas.messages import Step
from sagas.operators import UserAct

_PART = 15


async def _pay(play: Play) -> None:
    await held(play)
    await play.until(lambda: play.is_done, reads=True)


async def _pay_and_refund(play: Play) -> None:
    await _pay(play)
    _ask_refund(play)
    await answered(play)


async def _pay_and_close(play: Play) -> None:
    """Who is to get it back has paid all that it had, and is closed before the refund comes."""
    await hold_for(play, play.payee, amount=FUNDS)
    await play.until(lambda: play.is_done, reads=True)
    await act(play, play.payer, UserAct.CLOSE)
    _ask_refund(play)
    await play.until(lambda: play.has_waiting(Step.CONFIRM), reads=True)


def _ask_refund(play: Play) -> None:
    play.client.ask_refund(_PART, expires_in_s=NEVER_S)


_COMPLETED = End(transfer="completed", refund="completed")

REFUNDS = (
    Scenario(
        name="refund",
        role=Role.GATEWAY,
        kinds=REQUEST | {Io.PRODUCE},
        ends=_COMPLETED,
        ends_if_abandoned=frozenset({End(transfer="completed")}),
        prepare=_pay,
        run=by_gateway(_ask_refund),
    ),
    Scenario(
        name="refund-handed-over",
        role=Role.WORKER,
        kinds=TRANSACTION | MESSAGE,
        ends=_COMPLETED,
        prepare=_pay_and_refund,
        run=by_message(Step.TRY_CONFIRM),
        hands_over=True,
    ),
    Scenario(
        name="refund-cancelled",
        role=Role.GATEWAY,
        kinds=REQUEST,
        ends=End(transfer="completed", refund="cancelled"),
        ends_if_abandoned=frozenset({_COMPLETED}),
        prepare=_pay_and_refund,
        run=by_gateway(lambda play: play.client.ask_cancel()),
    ),
    Scenario(
        name="refund-returned",
        role=Role.WORKER,
        kinds=TRANSACTION | MESSAGE,
        ends=End(transfer="completed", refund="refunded", acts=1),
        prepare=_pay_and_close,
        run=by_message(Step.CONFIRM),
    ),
)
