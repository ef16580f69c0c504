"""When redrive leaves a bucket alone, and for how long."""

from sagas.messages import Step
from workers.redrive import BucketProgress


class Bucket:
    """A bucket with lag, whose messages are taken as the test says."""

    def __init__(self) -> None:
        self.lag: int | None = 5
        self.taken = 0
        self.now = 0.0
        self.progress = BucketProgress(
            lag=lambda _step, _bucket: self.lag,
            taken=lambda _step, _bucket: self.taken,
            clock=lambda: self.now,
        )

    def is_moving(self, *, taken: int = 0, after_s: float = 0.0) -> bool:
        self.taken += taken
        self.now += after_s
        return self.progress.is_moving(Step.TRY_CONFIRM, 1)


def test_a_bucket_with_lag_that_is_worked_on_is_left_alone():
    assert Bucket().is_moving(taken=1)


def test_a_bucket_that_stands_still_is_redriven():
    bucket = Bucket()

    assert [bucket.is_moving(taken=1), bucket.is_moving()] == [True, False]


def test_a_bucket_without_lag_is_redriven():
    bucket = Bucket()
    bucket.lag = 0

    assert not bucket.is_moving(taken=1)


def test_a_bucket_that_never_rests_is_redriven_once_in_a_while():
    bucket = Bucket()

    rounds = [bucket.is_moving(taken=1, after_s=5.0) for _ in range(10)]

    assert rounds == [True, True, True, True, False, True, True, True, True, False]


def test_a_bucket_with_steady_traffic_is_redriven_for_what_was_lost_in_it():
    bucket = Bucket()

    rounds = [bucket.is_moving(taken=5, after_s=1.0) for _ in range(4)]

    assert rounds == [True, False, False, False]


def test_a_bucket_with_a_long_queue_is_left_alone_until_it_is_through():
    bucket = Bucket()
    bucket.lag = 100

    rounds = [bucket.is_moving(taken=40, after_s=1.0) for _ in range(4)]

    assert rounds == [True, True, True, False]
