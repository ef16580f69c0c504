"""Faults of connections: silence, one way or both, slowness, and replies to COMMIT that vanish."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from reliability.chaos.faults.field import Field, Note
from reliability.chaos.stack import Direction, Link

_COMMITS_LOST_MAX = 20


@asynccontextmanager
async def partition(field: Field) -> AsyncIterator[Note]:
    """A process and some of its servers do not hear each other; or are reset and refused."""
    links = _some_links(field)
    refused = field.rng.random() < 0.3
    try:
        for link in links:
            await (link.cut() if refused else link.blackhole(Direction.BOTH, late=_late(field)))
        yield _note(links, "reset and refused" if refused else "silent")
    finally:
        await _heal(links)


@asynccontextmanager
async def one_way_cut(field: Field) -> AsyncIterator[Note]:
    """What one side says arrives, what the other says does not."""
    links = _some_links(field)
    direction = field.rng.choice((Direction.UP, Direction.DOWN))
    try:
        for link in links:
            await link.blackhole(direction, late=_late(field))
        yield _note(links, f"nothing goes {direction}")
    finally:
        await _heal(links)


@asynccontextmanager
async def slow_link(field: Field) -> AsyncIterator[Note]:
    """Everything takes longer."""
    links = _some_links(field)
    ms = round(field.rng.uniform(10, 400))
    try:
        for link in links:
            await link.delay(ms, ms / 2)
        yield _note(links, f"{ms} ms each way")
    finally:
        await _heal(links)


@asynccontextmanager
async def commit_unknown(field: Field) -> AsyncIterator[Note]:
    """COMMIT is done and its reply never comes: neither side may take that for a no."""
    server = field.stack.servers[field.target].name
    links = [link for link in field.stack.links if link.server == server]
    before = await _commits_unknown(links)
    note = Note(server)
    try:
        for link in links:
            await link.lose_commit_replies(field.rng.randint(1, _COMMITS_LOST_MAX))
        yield note
    finally:
        for link in links:
            await link.lose_commit_replies(0)
        lost = await _commits_unknown(links) - before
        note.detail, note.injected = f"{lost} replies to COMMIT were lost", lost > 0


async def _commits_unknown(links: Sequence[Link]) -> int:
    return sum([(await link.counters()).commits_unknown for link in links])


def _some_links(field: Field) -> list[Link]:
    """Those of the planned process or, with several brokers, at times of a broker."""
    client = field.client(field.target).name
    if len(field.stack.brokers) > 1 and field.rng.random() < 0.25:
        client = field.rng.choice(field.stack.brokers).name
    links = field.links_of(client)
    links += [link for link in field.stack.links if link.server == client]
    return field.rng.sample(links, field.rng.randint(1, len(links)))


def _late(field: Field) -> bool:
    return field.rng.random() < 0.5


def _note(links: Sequence[Link], detail: str) -> Note:
    return Note(", ".join(f"{link.client}->{link.server}" for link in links), detail)


async def _heal(links: Sequence[Link]) -> None:
    for link in links:
        await link.heal()
