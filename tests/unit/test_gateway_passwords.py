import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from gateway.passwords import Passwords
from gateway.problems import Problem

HERE = "192.0.2.1"
ELSEWHERE = "198.51.100.7"


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords(threads=1, queue=1, per_address=2, memory_kib=8)
    yield passwords
    passwords.close()


async def test_a_password_matches_its_hash_only(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse", address=HERE)

    assert await passwords.verify(stored, "correct horse", address=HERE) is True
    assert await passwords.verify(stored, "correct horse ", address=HERE) is False
    assert await passwords.verify(stored, "", address=HERE) is False


@pytest.mark.parametrize("password", ["x" * 71, "x" * 72, "x" * 73, "é" * 200, "\U0001f600" * 200])
async def test_every_character_of_a_password_counts(passwords: Passwords, password: str) -> None:
    stored = await passwords.hash(password, address=HERE)

    assert await passwords.verify(stored, password, address=HERE) is True
    assert await passwords.verify(stored, password[:-1], address=HERE) is False


async def test_two_hashes_of_one_password_differ(passwords: Passwords) -> None:
    assert await passwords.hash("correct horse", address=HERE) != await passwords.hash(
        "correct horse", address=HERE
    )


async def test_hashes_have_the_costs_we_chose() -> None:
    passwords = Passwords(threads=1, queue=1, per_address=2)

    stored = await passwords.hash("correct horse", address=HERE)

    passwords.close()
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("password", ["", "correct horse"])
async def test_nobody_has_no_password(passwords: Passwords, password: str) -> None:
    assert await passwords.verify(None, password, address=HERE) is False


async def test_an_unknown_user_costs_the_same_work() -> None:
    passwords = Passwords(threads=1, queue=1, per_address=2)
    stored = await passwords.hash("correct horse", address=HERE)

    async def fastest(stored_hash: str | None) -> float:
        times = []
        for _ in range(5):
            # Of this process, its threads included: what other processes do must not count.
            began = time.process_time()
            await passwords.verify(stored_hash, "wrong horse", address=HERE)
            times.append(time.process_time() - began)
        return min(times)

    known, unknown = await fastest(stored), await fastest(None)

    passwords.close()
    assert 0.3 < known / unknown < 3


async def _fill(passwords: Passwords, release: threading.Event) -> list[asyncio.Task[bool]]:
    """One task in the thread and one in the queue, until `release`."""
    tasks = [asyncio.create_task(passwords._run(HERE, lambda: release.wait(5))) for _ in range(2)]
    await asyncio.sleep(0)
    return tasks


async def test_over_the_queue_a_login_is_refused_at_once(passwords: Passwords) -> None:
    release = threading.Event()
    tasks = await _fill(passwords, release)

    with pytest.raises(Problem) as caught:
        await passwords.verify(None, "x", address=HERE)

    release.set()
    assert [await task for task in tasks] == [True, True]
    assert (caught.value.status, caught.value.code) == (503, "busy")
    assert caught.value.headers["Retry-After"] == "1"
    assert await passwords.verify(None, "x", address=HERE) is False


async def test_a_caller_that_gives_up_does_not_free_a_busy_thread(passwords: Passwords) -> None:
    release = threading.Event()
    running, waiting = await _fill(passwords, release)
    running.cancel()
    await asyncio.wait([running])
    with pytest.raises(Problem):
        await passwords.hash("x", address=HERE)

    waiting.cancel()
    await asyncio.wait([waiting])
    queued = asyncio.create_task(passwords.hash("x", address=HERE))
    await asyncio.sleep(0)
    release.set()

    assert (await queued).startswith("$argon2id$")


async def test_one_address_has_a_part_of_the_queue_and_the_others_go_on() -> None:
    passwords = Passwords(threads=1, queue=3, per_address=2, memory_kib=8)
    release = threading.Event()
    tasks = await _fill(passwords, release)

    with pytest.raises(Problem) as caught:
        await passwords.verify(None, "x", address=HERE)
    other = asyncio.create_task(passwords.verify(None, "x", address=ELSEWHERE))
    await asyncio.sleep(0)
    release.set()

    assert (caught.value.status, caught.value.code) == (503, "busy")
    assert await other is False
    assert [await task for task in tasks] == [True, True]
    # What it had is given back.
    assert await passwords.verify(None, "x", address=HERE) is False
    assert passwords._places._taken == {}
    assert passwords._places._free == 4
    passwords.close()


async def test_no_address_gets_more_than_there_is() -> None:
    passwords = Passwords(threads=1, queue=1, per_address=5, memory_kib=8)
    release = threading.Event()
    tasks = await _fill(passwords, release)

    with pytest.raises(Problem, match="busy"):
        await passwords.verify(None, "x", address=ELSEWHERE)

    release.set()
    assert [await task for task in tasks] == [True, True]
    passwords.close()
