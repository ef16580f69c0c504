"""POST refunds of a transfer."""

from aiohttp import web

from gateway.auth import authenticate, require_payee_or_operator
from gateway.currencies import Currencies
from gateway.part_request import read_part_request
from gateway.path_ids import path_uuid
from gateway.problems import Problem
from gateway.rate_limits import admit
from gateway.refunds import Refunds
from gateway.schemas import RefundBody
from gateway.tokens import Tokens
from gateway.tracing import trace_of
from gateway.transfer_answers import TransferAnswers
from gateway.transfer_reads import TransferReads
from sagas.steps.try_transfer import Tried
from shards.router import ShardMap


class RefundRoutes:
    """Back to who paid, whole or in parts."""

    def __init__(
        self,
        *,
        shards: ShardMap,
        tokens: Tokens,
        currencies: Currencies,
        reads: TransferReads,
        refunds: Refunds,
        answers: TransferAnswers,
    ) -> None:
        self._shards = shards
        self._tokens = tokens
        self._currencies = currencies
        self._reads = reads
        self._refunds = refunds
        self._answers = answers

    def table(self) -> list[web.RouteDef]:
        """Method, path and handler of each route."""
        return [web.post("/v1/transfers/{transfer_id}/refunds", self.create)]

    async def create(self, request: web.Request) -> web.Response:
        """202 with the transfer that gives it back."""
        principal = authenticate(request, self._tokens)
        transfer = await self._reads.visible(path_uuid(request, "transfer_id"), principal)
        await require_payee_or_operator(
            principal, payer_id=transfer.payer_id, payee_id=transfer.payee_id, shards=self._shards
        )
        await admit(request)
        decimals = await self._currencies.decimals(transfer.currency)
        asked = await read_part_request(
            request, RefundBody, operation="refund", resource=transfer.id, decimals=decimals
        )
        if transfer.payee_id is None:
            raise Problem("not_completed")
        refund_id = self._refunds.new_id(transfer)

        async def ask() -> Tried:
            return await self._refunds.ask(
                principal,
                transfer,
                asked,
                refund_id=refund_id,
                traceparent=trace_of(request).traceparent,
            )

        return await self._answers.accepted(request, refund_id, ask)
