"""Acts that are run again while others are at the rows."""

import pytest

from gateway.insistence import insist
from sagas.backoff import Backoff
from shards.errors import CommitUnknownError, ShardBusyError

AT_ONCE = Backoff(first_s=0.0, cap_s=0.0, jitter=lambda: 0.0)


class Act:
    """Raises these, one at each call, and then returns."""

    def __init__(self, *errors: Exception) -> None:
        self.calls = 0
        self._errors = list(errors)

    async def __call__(self) -> str:
        self.calls += 1
        if self._errors:
            raise self._errors.pop(0)
        return "done"


def busy(times: int) -> list[ShardBusyError]:
    return [ShardBusyError("shard0", "locked") for _ in range(times)]


async def test_it_is_run_until_nobody_is_at_the_rows() -> None:
    act = Act(*busy(7))

    assert await insist(act, AT_ONCE) == "done"
    assert act.calls == 8


async def test_after_so_many_attempts_it_is_told() -> None:
    act = Act(*busy(8))

    with pytest.raises(ShardBusyError):
        await insist(act, AT_ONCE)
    assert act.calls == 8


async def test_what_may_have_happened_is_not_run_again() -> None:
    act = Act(CommitUnknownError("shard0", "broke"))

    with pytest.raises(CommitUnknownError):
        await insist(act, AT_ONCE)
    assert act.calls == 1
