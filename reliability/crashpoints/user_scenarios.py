"""The steps of what operators do to users, while money of theirs is under way."""

from reliability.crashpoints.points import Role
from reliability.crashpoints.scenario import REQUEST, End, Scenario
from reliability.crashpoints.ways import by_gateway, debited, held
from reliability.simulation.operations import Io
from sagas.operators import UserAct

USERS = (
    Scenario(
        name="freeze",
        role=Role.GATEWAY,
        kinds=REQUEST,
        ends=End(transfer="cancelled", acts=1),
        ends_if_abandoned=frozenset({End(transfer="completed")}),
        prepare=held,
        run=by_gateway(lambda play: play.client.ask_act(play.payer, UserAct.FREEZE)),
    ),
    Scenario(
        name="close",
        role=Role.GATEWAY,
        kinds=REQUEST,
        ends=End(transfer="refunded", acts=1),
        ends_if_abandoned=frozenset({End(transfer="completed")}),
        prepare=debited,
        run=by_gateway(lambda play: play.client.ask_act(play.payee, UserAct.CLOSE)),
    ),
    Scenario(
        name="close-refused",
        role=Role.GATEWAY,
        kinds=frozenset({Io.STATEMENT, Io.CONNECT}),
        ends=End(transfer="completed"),
        prepare=debited,
        run=by_gateway(lambda play: play.client.ask_act(play.payer, UserAct.CLOSE)),
    ),
)
