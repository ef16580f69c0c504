"""POST transfers; GET and cancel of one transfer."""

from typing import Final

from aiohttp import hdrs, web

from gateway.auth import authenticate, own_wallet
from gateway.cancels import Cancels, is_cancelled_by_payer
from gateway.currencies import Currencies
from gateway.headers import wait_seconds
from gateway.json_body import read_optional_json
from gateway.money_request import read_money_request
from gateway.operations import BodyOperation, Operation, Route, Shown, Tag, Who
from gateway.path_ids import path_uuid
from gateway.problems import Problem
from gateway.query import parse_no_query
from gateway.rate_limits import admit
from gateway.refusals import MONEY, PAYEE, PAYER, UNDER_WAY, WRITE
from gateway.schemas import CancelBody, TransferBody, parse_body
from gateway.tokens import Tokens
from gateway.tracing import trace_of
from gateway.transfer_answers import TransferAnswers, accepted
from gateway.transfer_reads import TransferReads
from gateway.transfer_views import TransferView
from gateway.tries import Tries
from sagas.states import Status
from sagas.steps.try_transfer import Tried

CREATE: Final = BodyOperation(
    method=hdrs.METH_POST,
    path="/v1/wallets/{user_id}/transfers",
    name="create_transfer",
    tag=Tag.TRANSFERS,
    who=Who.OWNER,
    body=TransferBody,
    has_key=True,
    can_wait=True,
    shown=accepted("The transfer."),
    refusals=(*MONEY, *PAYER, *PAYEE, *UNDER_WAY, *WRITE),
)
GET: Final = Operation(
    method=hdrs.METH_GET,
    path="/v1/transfers/{transfer_id}",
    name="get_transfer",
    tag=Tag.TRANSFERS,
    who=Who.PARTY_OR_OPERATOR,
    can_wait=True,
    shown={200: Shown(says="The transfer as it is now.", view=TransferView)},
)
CANCEL: Final = BodyOperation(
    method=hdrs.METH_POST,
    path="/v1/transfers/{transfer_id}/cancel",
    name="cancel_transfer",
    tag=Tag.TRANSFERS,
    who=Who.PAYER,
    body=CancelBody,
    may_be_empty=True,
    shown={200: Shown(says="The cancelled transfer.", view=TransferView)},
    refusals=("not_payer", "already_debited", "already_final", *WRITE),
)


class TransferRoutes:
    """From one wallet to another."""

    def __init__(
        self,
        *,
        tokens: Tokens,
        currencies: Currencies,
        reads: TransferReads,
        answers: TransferAnswers,
        tries: Tries,
        cancels: Cancels,
    ) -> None:
        self._tokens = tokens
        self._currencies = currencies
        self._reads = reads
        self._answers = answers
        self._tries = tries
        self._cancels = cancels

    def table(self) -> list[Route]:
        """Each operation, and what does it."""
        return [CREATE.route(self.create), GET.route(self.get_one), CANCEL.route(self.cancel)]

    async def create(self, request: web.Request) -> web.Response:
        """202 with the held transfer, or 201 when the client waits and it is over in time."""
        principal = authenticate(request, self._tokens)
        payer_id = own_wallet(request, principal)
        await admit(request)
        asked = await read_money_request(
            request, CREATE.body, operation="transfer", currencies=self._currencies
        )
        transfer_id = self._tries.new_id(payer_id)

        async def ask() -> Tried:
            return await self._tries.ask(
                principal,
                asked,
                transfer_id=transfer_id,
                traceparent=trace_of(request).traceparent,
            )

        return await self._answers.accepted(request, transfer_id, ask)

    async def get_one(self, request: web.Request) -> web.Response:
        """200 with the transfer; with `Prefer: wait`, once it is over or the time is."""
        principal = authenticate(request, self._tokens)
        transfer = await self._reads.visible(path_uuid(request, "transfer_id"), principal)
        await admit(request)
        parse_no_query(request.query)
        transfer = await self._reads.settled(transfer, wait_seconds(request.headers))
        return await self._answers.shown(transfer)

    async def cancel(self, request: web.Request) -> web.Response:
        """200 when this or an earlier cancel by the payer ended it, else 409."""
        principal = authenticate(request, self._tokens)
        transfer = await self._reads.visible(path_uuid(request, "transfer_id"), principal)
        if transfer.payer_id != principal.user_id:
            raise Problem("not_payer")
        await admit(request)
        sent = await read_optional_json(request)
        parse_no_query(request.query)
        parse_body(CANCEL.body, sent)
        done = await self._cancels.cancel(transfer)
        if is_cancelled_by_payer(done):
            return await self._answers.shown(done)
        if done.status in (Status.DEBITED, Status.COMPLETED):
            raise Problem("already_debited")
        raise Problem("already_final", f"The transfer is {done.status}.")
