"""Every route of the gateway, and what each is made from."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cancels import Cancels
from gateway.holds import Holds
from gateway.operations import Route
from gateway.payees import Payees
from gateway.refunds import Refunds
from gateway.routes.batches import BatchRoutes
from gateway.routes.currencies import CurrencyRoutes
from gateway.routes.documentation import DocumentationRoutes
from gateway.routes.entries import EntryRoutes
from gateway.routes.holds import HoldRoutes
from gateway.routes.limits import LimitRoutes
from gateway.routes.movements import MovementRoutes
from gateway.routes.operators import OperatorRoutes
from gateway.routes.refunds import RefundRoutes
from gateway.routes.transfer_events import Pace, TransferEventRoutes
from gateway.routes.transfers import TransferRoutes
from gateway.routes.users import UserRoutes
from gateway.routes.wallets import WalletRoutes
from gateway.transfer_answers import TransferAnswers
from gateway.transfer_reads import TransferReads
from gateway.tries import Tries

if TYPE_CHECKING:
    from gateway.app import Gateway

# A transfer that somebody watches is read this often, and a stop waits no longer for such a read.
_LOOK_S = 1.0


def routes_of(gateway: "Gateway") -> list[Route]:
    """All of them, in the order in which they are matched: those with the most requests first."""
    payees = Payees(gateway.shards, gateway.lanes, gateway.known_users)
    expires_in = timedelta(seconds=gateway.settings.transfers.expires_in_s)
    tries = Tries(
        lanes=gateway.lanes,
        payees=payees,
        wake_ups=gateway.wake_ups,
        in_flight=gateway.in_flight,
        ids=gateway.ids,
        expires_in=expires_in,
    )
    reads = TransferReads(shards=gateway.shards, lanes=gateway.lanes, notices=gateway.notices)
    answers = TransferAnswers(currencies=gateway.currencies, lanes=gateway.lanes, reads=reads)
    routes = [
        *TransferRoutes(
            tokens=gateway.tokens,
            currencies=gateway.currencies,
            reads=reads,
            answers=answers,
            tries=tries,
            cancels=Cancels(shards=gateway.shards, lanes=gateway.lanes),
        ).table(),
        *BatchRoutes(
            tokens=gateway.tokens,
            currencies=gateway.currencies,
            tries=tries,
            lanes=gateway.lanes,
        ).table(),
        *HoldRoutes(
            shards=gateway.shards,
            tokens=gateway.tokens,
            currencies=gateway.currencies,
            holds=Holds(
                shards=gateway.shards,
                lanes=gateway.lanes,
                payees=payees,
                wake_ups=gateway.wake_ups,
                ids=gateway.ids,
                expires_in=expires_in,
            ),
            answers=answers,
        ).table(),
        *RefundRoutes(
            shards=gateway.shards,
            tokens=gateway.tokens,
            currencies=gateway.currencies,
            reads=reads,
            refunds=Refunds(
                lanes=gateway.lanes,
                payees=payees,
                wake_ups=gateway.wake_ups,
                in_flight=gateway.in_flight,
                ids=gateway.ids,
                expires_in=expires_in,
            ),
            answers=answers,
        ).table(),
        *LimitRoutes(
            shards=gateway.shards,
            tokens=gateway.tokens,
            currencies=gateway.currencies,
            backoff=gateway.backoff,
        ).table(),
        *UserRoutes(
            shards=gateway.shards,
            tokens=gateway.tokens,
            passwords=gateway.passwords,
            clients=gateway.clients,
            ids=gateway.ids,
        ).table(),
        *CurrencyRoutes(
            shards=gateway.shards,
            tokens=gateway.tokens,
            currencies=gateway.currencies,
            ids=gateway.ids,
        ).table(),
        *WalletRoutes(
            shards=gateway.shards, tokens=gateway.tokens, currencies=gateway.currencies
        ).table(),
        *MovementRoutes(
            shards=gateway.shards,
            tokens=gateway.tokens,
            currencies=gateway.currencies,
            lanes=gateway.lanes,
            ids=gateway.ids,
            by_operators=gateway.left_to_operators,
        ).table(),
        *EntryRoutes(
            shards=gateway.shards, tokens=gateway.tokens, currencies=gateway.currencies
        ).table(),
        *TransferEventRoutes(
            tokens=gateway.tokens,
            currencies=gateway.currencies,
            reads=reads,
            pace=Pace(
                look_s=_LOOK_S,
                heartbeat_s=gateway.settings.clients.heartbeat_s,
                stream_s=gateway.settings.clients.stream_s,
            ),
        ).table(),
        *OperatorRoutes(
            shards=gateway.shards, tokens=gateway.tokens, backoff=gateway.backoff
        ).table(),
        *gateway.health.table(),
    ]
    jar = gateway.settings.gateway.swagger_ui
    documentation = DocumentationRoutes(
        routes=lambda: routes, swagger_ui=Path(jar) if jar else None
    )
    routes.extend(documentation.table())
    return routes
