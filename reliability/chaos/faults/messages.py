"""Faults of the log: what it repeats, brings out of order, forgets, or was given by a stranger."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from reliability.chaos.faults.field import CameToNothing, Field, Note, meanwhile
from reliability.chaos.faults.log import Log, LogError, Written, open_admin, open_log

_COPIES_MAX = 4
_HELD_BACK = 50
_POISON_EACH = 20
_FORGED = 40
_REMADE_TRIES = 8

_POISON = (
    None,
    b"",
    b"\x00\xff\xfe garbage",
    b"{",
    b"[]",
    b'{"v": 1}',
    b'{"v": 99, "step": "confirm"}',
    b'{"v": 1, "amount": 1e30}',
    b'{"v": 1, "amount": ' + b"9" * 5_000 + b"}",
    b"x" * 200_000,
)


@asynccontextmanager
async def duplicate_messages(field: Field) -> AsyncIterator[Note]:
    """Each message comes again up to four times, at once."""
    async with _copied(field, copies=_COPIES_MAX, held_back=0) as note:
        yield note


@asynccontextmanager
async def shuffle_messages(field: Field) -> AsyncIterator[Note]:
    """Messages come again late, among others, in any order."""
    async with _copied(field, copies=1, held_back=_HELD_BACK) as note:
        yield note


@asynccontextmanager
async def replay_from_zero(field: Field) -> AsyncIterator[Note]:
    """Everything from the beginning once more, in any order, up to the profile's limit."""
    note = Note("all steps")
    async with _log(field) as log:
        messages = await log.read_from_zero(limit=field.profile.replayed_max)
        field.rng.shuffle(messages)
        await _write(log, messages, note)
    yield note


@asynccontextmanager
async def delete_topics(field: Field) -> AsyncIterator[Note]:
    """All topics are deleted, and made again empty."""
    stack = field.stack
    try:
        async with open_admin(stack) as admin:
            await admin.delete_topics(list(stack.topic_names.all))
    except LogError as error:
        raise CameToNothing(f"no broker deletes topics now: {error!r}") from error
    try:
        yield Note("all topics")
    finally:
        await _make_again(field)


@asynccontextmanager
async def poison_messages(field: Field) -> AsyncIterator[Note]:
    """What nobody can read, on every topic."""
    note = Note("all steps")
    async with _log(field) as log:
        messages = [
            Written(topic, field.rng.randrange(log.partitions), b"k", value, (("h", b"\xff\x00"),))
            for topic in field.stack.topic_names.steps
            for value in field.rng.choices(_POISON, k=_POISON_EACH)
        ]
        await _write(log, messages, note)
    yield note


@asynccontextmanager
async def forged_messages(field: Field) -> AsyncIterator[Note]:
    """True messages with another amount, payee or step, and true ones on another topic."""
    note = Note("all steps")
    async with _log(field) as log:
        true = await log.read_from_zero(limit=field.profile.replayed_max)
        if not true:
            raise CameToNothing("no message has been sent yet that could be changed")
        messages = [_forge(field, field.rng.choice(true), true) for _ in range(_FORGED)]
        await _write(log, messages, note)
    yield note


def _forge(field: Field, message: Written, others: list[Written]) -> Written:
    try:
        fields = json.loads(_first_line(message))
        other = json.loads(_first_line(field.rng.choice(others)))
        match field.rng.randrange(5):
            case 0:
                fields["amount"] = str(int(fields["amount"]) * 1_000)
            case 1:
                fields["payee_id"] = other["payee_id"]
                fields["amount"] = str(int(fields["amount"]) + 1)
            case 2:
                fields["step"] = "confirm"
                fields["mac"] = "00" * 32
            case 3:
                fields["key"] = "nobody's"
            # A true try-confirm where confirms are read.
            case _:
                return replace(message, topic=field.stack.topic_names.confirm)
    # Poison that was written before cannot be changed, and stays what it is.
    except (ValueError, KeyError, TypeError):
        return message
    return replace(message, value=json.dumps(fields).encode())


def _first_line(message: Written) -> bytes:
    """One of the signed messages that a Kafka message carries."""
    return (message.value or b"").split(b"\n")[0]


@asynccontextmanager
async def _log(field: Field) -> AsyncIterator[Log]:
    try:
        async with open_log(field.stack) as log:
            yield log
    except LogError as error:
        raise CameToNothing(f"no broker answers now: {error!r}") from error


async def _write(log: Log, messages: list[Written], note: Note) -> None:
    for first in range(0, len(messages), 500):
        await log.write(messages[first : first + 500])
    note.detail = f"{len(messages)} messages"


@asynccontextmanager
async def _copied(field: Field, *, copies: int, held_back: int) -> AsyncIterator[Note]:
    note = Note("all steps")
    tee = _Tee(field.rng, copies=copies, held_back=held_back)
    async with _log(field) as log:
        await log.from_now_on()
        async with meanwhile(tee.run(log)):
            yield note
        note.detail, note.injected = f"{tee.written} copies", tee.written > 0


class _Tee:
    """Writes what comes again; `held_back` messages wait for later ones to go before them."""

    def __init__(self, rng: random.Random, *, copies: int, held_back: int) -> None:
        self._rng = rng
        self._copies = copies
        self._held_back = held_back
        self.written = 0

    async def run(self, log: Log) -> None:
        waiting: list[Written] = []
        while True:
            # A broker that is away, by another fault of the plan, has nothing to copy.
            try:
                for message in await log.read():
                    waiting += [message] * self._rng.randint(1, self._copies)
                self._rng.shuffle(waiting)
                now, waiting = waiting[self._held_back :], waiting[: self._held_back]
                await log.write(now)
                self.written += len(now)
            except LogError:
                await asyncio.sleep(0.5)


async def _make_again(field: Field) -> None:
    """Deleting goes on after the answer: what is still going is taken for being there."""
    stack = field.stack
    for _ in range(_REMADE_TRIES):
        try:
            await stack.make_topics()
            await asyncio.sleep(0.5)
            async with open_admin(stack) as admin:
                found = await admin.describe_topics(list(stack.topic_names.all))
            if all(not topic["error_code"] for topic in found):
                return
        except LogError:
            await asyncio.sleep(1.0)
    raise TimeoutError(f"the topics could not be made again in {_REMADE_TRIES} tries")
