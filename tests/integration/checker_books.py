"""Steps of the engine, and the history that a client would have written of them."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

from reliability.checker import Phase, Result, check
from reliability.history import (
    FAULTS_FILE,
    HISTORY_FOLDER,
    Answer,
    Ask,
    AskBalance,
    AskMovement,
    AskOfTransfer,
    AskTransfer,
    HistoryWriter,
    Kind,
)
from sagas.steps.cancel import AskedBy, CancelDone
from sagas.steps.move import Moved, move
from sagas.steps.try_transfer import Tried, try_transfers
from shards.accounts import read_balance
from shards.movements import MovementKind
from shards.refunds import read_refunds
from shards.transfers import Transfer
from shards.users import read_user
from tests.databases import ShardDatabase
from tests.integration.world import OPEN_MAX, TIMING, World

Line: TypeAlias = dict[str, Any]
Names: TypeAlias = dict[str, str]
KINDS = {MovementKind.DEPOSIT: Kind.DEPOSIT, MovementKind.WITHDRAWAL: Kind.WITHDRAWAL}


@dataclass(frozen=True, slots=True)
class RunInOrder:
    """A run that nobody has tampered with: its databases, its folder, and ids of what is in it."""

    databases: list[ShardDatabase]
    folder: Path
    names: Names


class Client:
    """Does things in a world and writes them down; its clock ticks at every line."""

    def __init__(self, world: World, file: Path) -> None:
        self.world = world
        self._ticks = count(1)
        self._writer = HistoryWriter(file, clock=lambda: 1_000 * next(self._ticks))

    def close(self) -> None:
        self._writer.close()

    def invoke(self, ask: Ask) -> int:
        return self._writer.invoke(ask, client=1)

    def answer(self, op: int, answer: Answer) -> None:
        self._writer.answer(op, answer)

    def note(self, ask: Ask, answer: Answer | None) -> None:
        """An operation that left nothing, or whose effect is made elsewhere."""
        op = self.invoke(ask)
        if answer is not None:
            self.answer(op, answer)

    async def user(self, *, bucket: int) -> UUID:
        id_ = await self.world.user(bucket=bucket)
        async with self.world.shards.of_id(id_).connection() as conn:
            user = await read_user(conn, id_=id_)
        assert user is not None
        self._writer.user(user=str(id_), email=user.email)
        return id_

    async def move(
        self, user: UUID, kind: MovementKind, amount: int, *, key: str, answered: bool = True
    ) -> Moved:
        ask = AskMovement(kind=KINDS[kind], user=str(user), currency="EUR", amount=amount, key=key)
        op = self.invoke(ask)
        request = self.world.move_request(user, kind, amount, key=key)
        (moved,) = await move(self.world.shards.of_id(user), [request], wait=True)
        assert isinstance(moved, Moved)
        if not answered:
            self.answer(op, Answer(status=None))
        elif moved.movement.status == "rejected":
            self.answer(op, Answer(status=422, code=moved.movement.reason))
        else:
            id_ = str(moved.movement.id)
            self.answer(op, Answer(status=201, id=id_, replayed=moved.replayed))
        return moved

    async def transfer(self, payer: UUID, payee: UUID, amount: int, *, key: str) -> Transfer:
        (transfer,) = await self.transfers([(payer, payee, amount, key)])
        return transfer

    async def transfers(
        self, asked: Sequence[tuple[UUID, UUID, int, str]], *, tag: str | None = None
    ) -> list[Transfer]:
        """Tries that the gateway's lane writes in one transaction; payers of one shard."""
        ops = [
            self.invoke(
                AskTransfer(
                    payer=str(payer),
                    payee=str(payee),
                    currency="EUR",
                    amount=amount,
                    key=key,
                    tag=tag,
                )
            )
            for payer, payee, amount, key in asked
        ]
        requests = [
            self.world.try_request(payer, payee, amount, key=key)
            for payer, payee, amount, key in asked
        ]
        shard = self.world.shards.of_id(asked[0][0])
        outcomes = await try_transfers(shard, requests, wait=True, timing=TIMING, open_max=OPEN_MAX)
        made = []
        for op, outcome in zip(ops, outcomes, strict=True):
            assert isinstance(outcome, Tried)
            made.append(outcome.transfer)
            self.answer(op, tried_answer(outcome))
        return made

    async def cancel(self, transfer: Transfer) -> None:
        ask = AskOfTransfer(
            kind=Kind.CANCEL, transfer=str(transfer.id), user=str(transfer.payer_id)
        )
        op = self.invoke(ask)
        done = await self.world.cancel(transfer, AskedBy.PAYER)
        assert isinstance(done, CancelDone)
        now = done.transfer
        if (now.status, now.reason) == ("cancelled", "cancelled_by_payer"):
            answer = Answer(status=200, transfer_status=now.status, reason=now.reason)
        else:
            is_over = now.ended_at is not None
            answer = Answer(status=409, code="already_final" if is_over else "already_debited")
        self.answer(op, answer)

    async def look(self, transfer: Transfer) -> None:
        ask = AskOfTransfer(
            kind=Kind.READ_TRANSFER, transfer=str(transfer.id), user=str(transfer.payer_id)
        )
        op = self.invoke(ask)
        now = await self.world.read(transfer.id)
        async with self.world.shards.of_id(transfer.id).connection() as conn:
            refunds = (await read_refunds(conn, [transfer.id])).get(transfer.id, [])
        answer = Answer(
            status=200,
            transfer_status=now.status,
            reason=now.reason,
            refunded=sum(refund.amount for refund in refunds),
            refunds=tuple(str(refund.transfer_id) for refund in refunds),
        )
        self.answer(op, answer)

    async def balance(self, *users: UUID) -> None:
        for user in users:
            op = self.invoke(AskBalance(user=str(user), currency="EUR"))
            async with self.world.shards.of_id(user).connection() as conn:
                now = await read_balance(conn, user_id=user, currency="EUR")
            assert now is not None
            answer = Answer(status=200, balance=now.balance, held=now.held, version=now.version)
            self.answer(op, answer)


def tried_answer(outcome: Tried) -> Answer:
    transfer = outcome.transfer
    if transfer.status == "rejected":
        return Answer(status=422, code=transfer.reason)
    return Answer(
        status=202,
        id=str(transfer.id),
        replayed=outcome.replayed,
        transfer_status=transfer.status,
    )


def read_lines(file: Path) -> list[Line]:
    return [json.loads(text) for text in file.read_text("utf-8").splitlines()]


def write_lines(file: Path, lines: Iterable[Line]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def edited(source: Path, target: Path, edit: Callable[[list[Line]], None]) -> Path:
    """A copy of a run's folder, with its history changed by `edit`."""
    history = Path(HISTORY_FOLDER) / "client-1.jsonl"
    lines = read_lines(source / history)
    edit(lines)
    write_lines(target / history, lines)
    write_lines(target / FAULTS_FILE, read_lines(source / FAULTS_FILE))
    return target


async def check_run(
    databases: Sequence[ShardDatabase], folder: Path, *, phase: Phase = Phase.FINAL
) -> Result:
    dsns = {database.name: database.dsn for database in databases}
    return await check(folder=folder, dsns=dsns, phase=phase)


def found(result: Result) -> dict[str, set[str]]:
    """The invariants that do not hold, with what they do not hold for."""
    broken: dict[str, set[str]] = {}
    for violation in result.violations:
        broken.setdefault(violation.invariant, set()).update(violation.subject.split())
    return broken


def told(lines: list[Line], ask: Line, answer: Line, *, at: int | None = None) -> list[Line]:
    """A new operation of a history, after all others or at another time."""
    op = max(line.get("op", 0) for line in lines) + 1
    now = at or max(line.get("at", 0) for line in lines) + 1_000
    return [
        {"type": "invoke", "op": op, "client": 2, "at": now} | ask,
        {"type": "answer", "op": op, "at": now + 1, "code": None} | answer,
    ]
