"""The lanes of a worker: one per shard and step, and what each outcome leads to.

Outcomes are delivered after the commit: next messages are sent and acknowledged, then notices, then
the incoming message is acked. A worker that dies in between has its message redelivered, and the
step repeats its output.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sagas.lane import Lane, LaneOptions, RunStep, close_lanes
from sagas.messages import Step
from sagas.notifying import notify_ended
from sagas.outcomes import Failed, SetAside, Skipped
from sagas.payer_side import Timing
from sagas.steps.cancel import AskedBy, CancelDone, CancelRequest, cancel
from sagas.steps.confirm import Confirmed, confirm
from sagas.steps.settle import Settled, settle
from sagas.steps.try_confirm import TryConfirmed, try_confirm
from shards.dead_letters import ReasonClass
from shards.errors import ShardTransientError
from shards.router import ShardMap
from shards.shard import Shard
from shards.verdicts import Verdict
from workers.dead_letters import Arrival, DeadLetters
from workers.incoming import Incoming
from workers.outbound import Outbound
from workers.step_log import log_finished

# A step without a message of its own: it follows the confirm.
_SETTLE = "settle"

KindT = TypeVar("KindT")
Deliver = Callable[[Sequence[tuple[Incoming, object]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Settling:
    """A verdict on its way to the payer's shard, and the confirm that brought it."""

    verdict: Verdict
    incoming: Incoming


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOptions:
    """How lanes gather, and when redrive is to look.

    Attributes:
        step: lanes fed by Kafka: they retry for ever, since the message waits for them.
        settle: fed by confirm lanes: it gives up soon, since redrive brings the verdict back.
        on_pressure: told which step's lane of which shard is full, or no longer.
    """

    step: LaneOptions
    settle: LaneOptions
    timing: Timing
    on_pressure: Callable[[Shard, Step, bool], None]


class StepLanes:
    """Takes messages and sees each through to its ack."""

    def __init__(
        self,
        *,
        shards: ShardMap,
        outbound: Outbound,
        dead_letters: DeadLetters,
        options: StepOptions,
    ) -> None:
        self._shards = shards
        self._outbound = outbound
        self._dead_letters = dead_letters
        self._options = options
        self._lanes = {
            (shard.name, step): make(shard)
            for shard in shards.shards
            for step, make in (
                (Step.TRY_CONFIRM, self._try_confirm_lane),
                (Step.CONFIRM, self._confirm_lane),
                (Step.CANCEL, self._cancel_lane),
            )
        }
        self._settle_lanes = {shard.name: self._settle_lane(shard) for shard in shards.shards}

    def start(self) -> None:
        """Begins to run."""
        for lane in self.all():
            lane.start()

    async def close(self, *, within_s: float) -> None:
        """Runs what is left for at most `within_s`; the rest is redelivered."""
        await close_lanes(self.all(), within_s=within_s)

    def take(self, incoming: Incoming) -> None:
        """Queues a message in the lane of its step's shard; never waits."""
        message = incoming.message
        shard = self._shards.of_bucket(message.bucket)
        self._lanes[shard.name, message.step].offer(incoming)

    def all(self) -> "list[Lane[Incoming, object] | Lane[_Settling, object]]":
        """Every lane."""
        return [*self._lanes.values(), *self._settle_lanes.values()]

    # --- one lane of each kind

    def _try_confirm_lane(self, shard: Shard) -> Lane[Incoming, object]:
        async def run(
            items: Sequence[Incoming], *, wait: bool
        ) -> Sequence[TryConfirmed | SetAside | Skipped]:
            messages = [item.message for item in items]
            return await try_confirm(shard, messages, wait=wait, timing=self._options.timing)

        async def deliver(done: Sequence[tuple[Incoming, object]]) -> None:
            good = self._sort_out(done, TryConfirmed)
            await self._outbound.send([o.confirm for _, o in good if o.confirm is not None])
            await notify_ended(shard, [o.transfer for _, o in good])
            log_finished(
                f"{shard.name}.try-confirm", ((i.message, o.transfer.status) for i, o in good)
            )
            _ack(item for item, _ in good)

        return self._step_lane(shard, Step.TRY_CONFIRM, run=run, deliver=deliver)

    def _confirm_lane(self, shard: Shard) -> Lane[Incoming, object]:
        async def run(
            items: Sequence[Incoming], *, wait: bool
        ) -> Sequence[Confirmed | SetAside | Skipped]:
            return await confirm(shard, [item.message for item in items], wait=wait)

        async def deliver(done: Sequence[tuple[Incoming, object]]) -> None:
            good = self._sort_out(done, Confirmed)
            log_finished(f"{shard.name}.confirm", ((i.message, o.verdict.kind) for i, o in good))
            for incoming, outcome in good:
                self._hand_to_settle(_Settling(outcome.verdict, incoming))

        return self._step_lane(shard, Step.CONFIRM, run=run, deliver=deliver)

    def _cancel_lane(self, shard: Shard) -> Lane[Incoming, object]:
        async def run(
            items: Sequence[Incoming], *, wait: bool
        ) -> Sequence[CancelDone | SetAside | Skipped]:
            requests = [
                CancelRequest(
                    transfer_id=item.message.transfer_id,
                    payer_id=item.message.payer_id,
                    asked_by=AskedBy.EXPIRY,
                )
                for item in items
            ]
            return await cancel(shard, requests, wait=wait, timing=self._options.timing)

        async def deliver(done: Sequence[tuple[Incoming, object]]) -> None:
            good = self._sort_out(done, CancelDone)
            await notify_ended(shard, [o.transfer for _, o in good])
            log_finished(f"{shard.name}.cancel", ((i.message, o.transfer.status) for i, o in good))
            _ack(item for item, _ in good)

        return self._step_lane(shard, Step.CANCEL, run=run, deliver=deliver)

    def _settle_lane(self, shard: Shard) -> Lane[_Settling, object]:
        async def run(
            items: Sequence[_Settling], *, wait: bool
        ) -> Sequence[Settled | SetAside | Skipped]:
            verdicts = [item.verdict for item in items]
            return await settle(shard, verdicts, wait=wait, timing=self._options.timing)

        async def deliver(done: Sequence[tuple[_Settling, object]]) -> None:
            good = [(s.incoming, o) for s, o in done if isinstance(o, Settled)]
            await notify_ended(shard, [o.transfer for _, o in good])
            log_finished(f"{shard.name}.settle", ((i.message, o.transfer.status) for i, o in good))
            for settling, outcome in done:
                if isinstance(outcome, SetAside) or _is_bug(outcome):
                    self._set_aside(settling.incoming, outcome, step=_SETTLE)
                else:
                    # Away, too: redrive brings the verdict back.
                    settling.incoming.ack()

        return Lane(
            f"{shard.name}.settle",
            run=run,
            user_of=lambda item: item.verdict.payer_id,
            deliver=deliver,
            options=self._options.settle,
        )

    # --- what they share

    def _step_lane(
        self,
        shard: Shard,
        step: Step,
        *,
        run: RunStep[Incoming, object],
        deliver: Deliver,
    ) -> Lane[Incoming, object]:
        return Lane(
            f"{shard.name}.{step}",
            run=run,
            user_of=_payee if step is Step.CONFIRM else _payer,
            deliver=deliver,
            options=self._options.step,
            on_pressure=lambda full: self._options.on_pressure(shard, step, full),
        )

    def _sort_out(
        self, done: Sequence[tuple[Incoming, object]], kind: type[KindT]
    ) -> list[tuple[Incoming, KindT]]:
        """Sets aside what cannot be, and returns the rest."""
        good = []
        for incoming, outcome in done:
            if isinstance(outcome, kind):
                good.append((incoming, outcome))
            else:
                self._set_aside(incoming, outcome, step=incoming.message.step)
        return good

    def _set_aside(self, incoming: Incoming, outcome: object, *, step: str) -> None:
        """Keeps a verified message: it asked for what cannot be, or met a bug of ours."""
        if isinstance(outcome, SetAside):
            reason_class, why = ReasonClass.IMPOSSIBLE, outcome
        else:
            assert isinstance(outcome, Failed)
            reason_class, why = ReasonClass.BUG, SetAside("bug", repr(outcome.error))
        self._dead_letters.set_aside(
            Arrival(raw=incoming.raw, step=step, ack=incoming.ack),
            reason_class=reason_class,
            why=why,
            transfer_id=incoming.message.transfer_id,
        )

    def _hand_to_settle(self, settling: _Settling) -> None:
        lane = self._settle_lanes[self._shards.of_id(settling.verdict.payer_id).name]
        if lane.is_full:
            # The verdict stands: redrive brings the confirm back when the shard takes it.
            settling.incoming.ack()
        else:
            lane.offer(settling)


def _ack(done: Iterable[Incoming]) -> None:
    for incoming in done:
        incoming.ack()


def _payer(incoming: Incoming) -> UUID:
    return incoming.message.payer_id


def _payee(incoming: Incoming) -> UUID:
    return incoming.message.payee_id


def _is_bug(outcome: object) -> bool:
    return isinstance(outcome, Failed) and not isinstance(outcome.error, ShardTransientError)
