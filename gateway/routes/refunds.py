"""POST refunds of a transfer."""

from typing import Final

from aiohttp import hdrs, web

from gateway.auth import authenticate, require_payee_or_operator
from gateway.currencies import Currencies
from gateway.operations import BodyOperation, Route, Tag, Who
from gateway.part_request import read_part_request
from gateway.path_ids import path_uuid
from gateway.problems import Problem
from gateway.rate_limits import admit
from gateway.refunds import Refunds
from gateway.refusals import AMOUNT, PAYEE, PAYER, UNDER_WAY, WRITE
from gateway.schemas import RefundBody
from gateway.tokens import Tokens
from gateway.tracing import trace_of
from gateway.transfer_answers import TransferAnswers, accepted
from gateway.transfer_reads import TransferReads
from sagas.steps.try_transfer import Tried
from shards.router import ShardMap

CREATE: Final = BodyOperation(
    method=hdrs.METH_POST,
    path="/v1/transfers/{transfer_id}/refunds",
    name="create_refund",
    tag=Tag.TRANSFERS,
    who=Who.PAYEE_OR_OPERATOR,
    body=RefundBody,
    may_be_empty=True,
    has_key=True,
    can_wait=True,
    shown=accepted("The transfer that gives it back."),
    refusals=(
        *AMOUNT,
        *PAYER,
        *PAYEE,
        *UNDER_WAY,
        "not_payee",
        "operator_only",
        "not_completed",
        "refund_too_large",
        "too_many_refunds",
        *WRITE,
    ),
)


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

    def table(self) -> list[Route]:
        """Each operation, and what does it."""
        return [CREATE.route(self.create)]

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
            request, CREATE.body, operation="refund", resource=transfer.id, decimals=decimals
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
