"""The steps of spending limits: one that is set, and one that refuses."""

from reliability.crashpoints.play import Play
from reliability.crashpoints.points import Role
from reliability.crashpoints.scenario import REQUEST, End, Scenario
from reliability.crashpoints.ways import AMOUNT, NEVER_S, answered, by_gateway, fund

_LIMIT = 30


async def _limit(play: Play) -> None:
    await fund(play)
    _ask_limit(play)
    await answered(play)


def _ask_limit(play: Play) -> None:
    play.client.ask_limit(play.payer, _LIMIT)


def _ask_transfer(play: Play) -> None:
    play.client.ask_transfer(play.payer, play.payee, AMOUNT, expires_in_s=NEVER_S)


_LIMITED = End(limit=_LIMIT, acts=1)

LIMITS = (
    Scenario(
        name="set-limit",
        role=Role.GATEWAY,
        kinds=REQUEST,
        ends=_LIMITED,
        ends_if_abandoned=frozenset({End()}),
        prepare=fund,
        run=by_gateway(_ask_limit),
        has_messages=False,
    ),
    Scenario(
        name="try-limited",
        role=Role.GATEWAY,
        kinds=REQUEST,
        ends=End(transfer="rejected", limit=_LIMIT, acts=1),
        ends_if_abandoned=frozenset({_LIMITED}),
        prepare=_limit,
        run=by_gateway(_ask_transfer),
        has_messages=False,
    ),
)
