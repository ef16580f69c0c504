"""Who can be paid, remembered: only while the shard would tell that it is no longer so."""

import pytest

from gateway.known_users import KnownUsers
from sagas.outcomes import Failed
from shards.errors import ShardAwayError
from shards.ids import RandomIds
from shards.pool import ShardOptions
from shards.router import ShardMap
from shards.shard import Shard
from shards.users import UserStatus

IDS = RandomIds()
ALICE, BOB = IDS.new_id(0), IDS.new_id(1)
OPEN = UserStatus.OPEN


@pytest.fixture
def shards() -> ShardMap:
    """Two shards that nobody connects to; Alice is on the first, Bob on the second."""
    made = [
        Shard(name=f"shard{bucket}", dsn="", buckets=[bucket], options=ShardOptions())
        for bucket in (0, 1)
    ]
    return ShardMap(made, buckets=2)


@pytest.fixture
def known(shards: ShardMap) -> KnownUsers:
    """Heard on both shards."""
    made = KnownUsers(shards, users_max=3)
    for shard in shards.shards:
        made.begin(shard)
    return made


def test_an_open_user_is_remembered_by_id_and_by_email(known: KnownUsers):
    since = known.glance()
    known.learn({ALICE: OPEN}, since=since)
    known.learn_emails({"bob@example.com": (BOB, OPEN)}, since=since)

    assert known.is_open(ALICE)
    assert known.is_open(BOB)
    assert known.by_email("bob@example.com") == BOB
    assert known.by_email("alice@example.com") is None


@pytest.mark.parametrize(
    "found", [UserStatus.CLOSED, UserStatus.FROZEN, None, Failed(ShardAwayError("shard0", "away"))]
)
def test_nobody_else_is(known: KnownUsers, found: UserStatus | Failed | None):
    known.learn({ALICE: found}, since=known.glance())

    assert not known.is_open(ALICE)


def test_who_has_changed_is_forgotten(known: KnownUsers, shards: ShardMap):
    known.learn_emails({"a@example.com": (ALICE, OPEN)}, since=known.glance())
    known.learn({BOB: OPEN}, since=known.glance())

    known.hear(shards.of_id(ALICE), str(ALICE))

    assert not known.is_open(ALICE)
    assert known.by_email("a@example.com") is None
    assert known.is_open(BOB)


def test_what_was_found_before_a_change_was_told_is_not_believed(
    known: KnownUsers, shards: ShardMap
):
    since = known.glance()
    known.hear(shards.of_id(ALICE), str(ALICE))

    known.learn({ALICE: OPEN, BOB: OPEN}, since=since)

    assert not known.is_open(ALICE)
    assert known.is_open(BOB)


def test_nothing_is_known_of_a_shard_that_is_not_heard(known: KnownUsers, shards: ShardMap):
    known.learn({ALICE: OPEN, BOB: OPEN}, since=known.glance())

    known.end(shards.of_id(ALICE))
    known.learn({ALICE: OPEN}, since=known.glance())

    assert not known.is_open(ALICE)
    assert known.is_open(BOB)


def test_what_was_found_before_it_was_heard_again_is_not_believed(
    known: KnownUsers, shards: ShardMap
):
    since = known.glance()
    known.end(shards.of_id(ALICE))
    known.begin(shards.of_id(ALICE))

    known.learn({ALICE: OPEN}, since=since)

    assert not known.is_open(ALICE)


def test_a_notice_that_names_nobody_forgets_the_shard(known: KnownUsers, shards: ShardMap):
    known.learn({ALICE: OPEN, BOB: OPEN}, since=known.glance())

    known.hear(shards.of_id(ALICE), "somebody")

    assert not known.is_open(ALICE)
    assert known.is_open(BOB)


def test_the_oldest_are_forgotten_where_there_are_too_many(known: KnownUsers):
    users = [IDS.new_id(0) for _ in range(4)]

    known.learn(dict.fromkeys(users, OPEN), since=known.glance())

    assert [known.is_open(user) for user in users] == [False, True, True, True]
