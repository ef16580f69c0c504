"""POST transfers/batch: up to 1,000 transfers of one payer, each a single POST in its own right."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias
from uuid import UUID

import structlog
from aiohttp import hdrs, web

from gateway.auth import authenticate, own_wallet
from gateway.batch_request import AT_ONCE, BatchItem, read_batch
from gateway.currencies import Currencies
from gateway.errors import translate
from gateway.headers import replay_headers
from gateway.lanes import GatewayLanes
from gateway.money_request import MoneyRequest
from gateway.operations import BodyOperation, Route, Shown, Tag, Who
from gateway.present import decimals_of, show_transfer
from gateway.problems import Problem
from gateway.rate_limits import admit
from gateway.schemas import BatchBody
from gateway.shares import Shares
from gateway.tokens import Principal, Tokens
from gateway.tracing import trace_of
from gateway.transfer_answers import may_have_refunds
from gateway.tries import Tries, refusal_of
from gateway.views import BatchResult, BatchView, json_response
from sagas.outcomes import Failed
from sagas.steps.try_transfer import Tried
from shards.refunds import Refund

# Each takes the gateway's only processor for tens of milliseconds, in all.
_OF_USER: Final = 8
_Refunds: TypeAlias = Mapping[UUID, Sequence[Refund] | Failed]
_log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway")


CREATE: Final = BodyOperation(
    method=hdrs.METH_POST,
    path="/v1/wallets/{user_id}/transfers/batch",
    name="create_transfers",
    tag=Tag.TRANSFERS,
    who=Who.OWNER,
    body=BatchBody,
    shown={
        207: Shown(
            says="What became of each item, in order.",
            view=BatchView,
            headers=("Idempotency-Replayed", "Retry-After"),
        )
    },
)


class BatchRoutes:
    """From one wallet to many."""

    def __init__(
        self, *, tokens: Tokens, currencies: Currencies, tries: Tries, lanes: GatewayLanes
    ) -> None:
        self._tokens = tokens
        self._currencies = currencies
        self._tries = tries
        self._lanes = lanes
        self._under_way: Shares[UUID] = Shares(most=None, of_one=_OF_USER)

    def table(self) -> list[Route]:
        """Each operation, and what does it."""
        return [CREATE.route(self.create)]

    async def create(self, request: web.Request) -> web.Response:
        """207 with what became of each item, in order; it never waits for the end of a transfer."""
        principal = authenticate(request, self._tokens)
        own_wallet(request, principal)
        await admit(request)
        with self._place_of(principal.user_id):
            return await self._create(request, principal)

    @contextmanager
    def _place_of(self, user_id: UUID) -> Iterator[None]:
        """A place for one more batch of this user, from before its body is read to its answer."""
        if not self._under_way.take(user_id):
            raise Problem("busy", "Too many of your batches are under way: repeat it after one.")
        try:
            yield
        finally:
            self._under_way.give_back(user_id)

    async def _create(self, request: web.Request, principal: Principal) -> web.Response:
        trace = trace_of(request)
        items = await read_batch(request, currencies=self._currencies)
        good = [item.asked for item in items if isinstance(item.asked, MoneyRequest)]
        tried = await self._tries.ask_all(principal, good, traceparent=trace.traceparent)
        refunds = await self._refunds_of_replays(tried)
        answers = _answers(items, [_with_refunds(one, refunds) for one in tried])
        codes = {answer.transfer.currency for answer in answers if isinstance(answer, Tried)}
        decimals = await decimals_of(self._currencies, codes)
        results: list[BatchResult] = []
        for item, answer in zip(items, answers, strict=True):
            if len(results) % AT_ONCE == 0:
                await asyncio.sleep(0)
            shown = _result(
                item.key, answer, decimals=decimals, refunds=refunds, trace_id=trace.trace_id
            )
            results.append(shown)
        return json_response({"results": results}, status=207, headers=_headers(answers))

    async def _refunds_of_replays(self, tried: Sequence[Tried | Failed]) -> _Refunds:
        """Of those that were there before, what came back."""
        return await self._lanes.find_refunds(
            {
                one.transfer.id
                for one in tried
                if isinstance(one, Tried) and one.replayed and may_have_refunds(one.transfer)
            }
        )


def _with_refunds(outcome: Tried | Failed, refunds: _Refunds) -> Tried | Failed:
    """The outcome; a transfer of which it is not known what came back cannot be shown."""
    found = refunds.get(outcome.transfer.id) if isinstance(outcome, Tried) else None
    return found if isinstance(found, Failed) else outcome


def _answers(items: list[BatchItem], tried: list[Tried | Failed]) -> list[Tried | Problem]:
    """What is told of each item: its transfer, or its problem."""
    outcomes = iter(tried)
    return [
        _answer(item.asked if isinstance(item.asked, Exception) else next(outcomes), index)
        for index, item in enumerate(items)
    ]


def _answer(outcome: Tried | Failed | Exception, index: int) -> Tried | Problem:
    if isinstance(outcome, Tried):
        return refusal_of(outcome) or outcome
    error = outcome.error if isinstance(outcome, Failed) else outcome
    if isinstance(error, Problem):
        return error.inside(f"/transfers/{index}")
    return translate(error) or _of_bug(error)


def _of_bug(error: Exception) -> Problem:
    _log.error("batch.item_failed", exc_info=error)
    return Problem("internal_error")


def _result(
    key: str | None,
    answer: Tried | Problem,
    *,
    decimals: Mapping[str, int],
    refunds: _Refunds,
    trace_id: str,
) -> BatchResult:
    if isinstance(answer, Problem):
        return {"key": key, "status": answer.status, "problem": answer.document(trace_id)}
    transfer = answer.transfer
    back = refunds.get(transfer.id, ())
    assert not isinstance(back, Failed), "then it is a problem"
    return {
        "key": key,
        "status": 202,
        "transfer": show_transfer(transfer, decimals[transfer.currency], refunds=back),
    }


def _headers(answers: Sequence[Tried | Problem]) -> dict[str, str]:
    """What single POSTs would say in headers: all were replays, and when to repeat the last."""
    headers = replay_headers(replayed=all(_is_replay(answer) for answer in answers))
    waits = [
        int(answer.headers["Retry-After"])
        for answer in answers
        if isinstance(answer, Problem) and "Retry-After" in answer.headers
    ]
    if waits:
        headers["Retry-After"] = str(max(waits))
    return headers


def _is_replay(answer: Tried | Problem) -> bool:
    if isinstance(answer, Tried):
        return answer.replayed
    return "Idempotency-Replayed" in answer.headers
