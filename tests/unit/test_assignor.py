"""Which worker gets which buckets: `deal`, and what becomes of it in Faust's assignor."""

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from faust.assignor.client_assignment import ClientAssignment, ClientMetadata
from hypothesis import given
from hypothesis import strategies as st

from workers.assignor import ShardAssignor, deal
from workers.faust_app import create_faust_app

# Four shards of eight buckets, dealt out in turn as `make run` does.
BUCKETS_BY_SHARD = [bucket for shard in range(4) for bucket in range(shard, 32, 4)]
TOPICS = ["try-confirm", "confirm"]


@dataclass
class Cluster:
    """What the assignor asks of aiokafka's."""

    partitions: int

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return set(range(self.partitions))


def assigned(
    had: Mapping[str, Collection[int]], *, partitions: int = 32
) -> dict[str, dict[str, set[int]]]:
    """The partitions of each member's topics."""
    app = create_faust_app(
        app_id="assignor", bootstrap="localhost:1", session_timeout_s=6.0, commit_interval_s=1.0
    )
    assignor = ShardAssignor(app, buckets_by_shard=BUCKETS_BY_SHARD)
    answers = assignor.assign(
        Cluster(partitions),
        {member: metadata(its) for member, its in had.items()},
    )
    told = {
        member: ClientMetadata.loads(zlib.decompress(answer.user_data)).assignment.actives
        for member, answer in answers.items()
    }
    return {member: {t: set(p) for t, p in actives.items()} for member, actives in told.items()}


def metadata(had: Collection[int]) -> ConsumerProtocolMemberMetadata:
    assignment = ClientAssignment(actives={topic: sorted(had) for topic in TOPICS}, standbys={})
    told = ClientMetadata(assignment=assignment, url="http://worker", changelog_distribution={})
    return ConsumerProtocolMemberMetadata(4, TOPICS, told.dumps())


def shards_of(buckets: Collection[int]) -> set[int]:
    return {bucket % 4 for bucket in buckets}


@given(
    st.permutations(range(20)),
    st.dictionaries(st.text(max_size=3), st.sets(st.integers(0, 30)), min_size=1, max_size=25),
)
def test_each_bucket_is_dealt_once_in_runs_that_differ_by_one_at_most(
    buckets: Sequence[int], had: Mapping[str, Collection[int]]
):
    runs = deal(buckets, had)

    assert runs.keys() == had.keys()
    assert sorted(bucket for run in runs.values() for bucket in run) == sorted(buckets)
    assert {len(run) for run in runs.values()} <= {20 // len(had), 20 // len(had) + 1}
    for run in runs.values():
        places = [list(buckets).index(bucket) for bucket in run]
        assert all(b - a == 1 for a, b in pairwise(places))


@given(
    st.dictionaries(st.text(max_size=3), st.sets(st.integers(0, 31)), min_size=1, max_size=32),
)
def test_what_was_dealt_is_dealt_again(had: Mapping[str, Collection[int]]):
    runs = deal(BUCKETS_BY_SHARD, had)

    assert deal(BUCKETS_BY_SHARD, runs) == runs


def test_a_member_that_joins_comes_last_and_the_others_keep_their_order():
    runs = deal(BUCKETS_BY_SHARD, {"new": [], "had the later half": [2, 3], "had all else": [0, 1]})

    assert list(runs) == ["had all else", "had the later half", "new"]


@pytest.mark.parametrize(
    "had",
    [
        {"first": range(32), "second": []},
        {"first": [], "second": []},
        {"first": range(16), "second": range(16, 32)},
        {"first": range(0, 32, 2), "second": range(1, 32, 2), "third": []},
    ],
    ids=["a second joins", "both join", "half of each shard", "a third joins"],
)
def test_members_get_the_buckets_of_few_shards(had: Mapping[str, Collection[int]]):
    members = assigned(had)

    for topics in members.values():
        assert topics["try-confirm"] == topics["confirm"]
    buckets = [topics["confirm"] for topics in members.values()]
    assert set().union(*buckets) == set(range(32))
    assert sum(map(len, buckets)) == 32
    # Each of two cuts within a shard gives it to two members, and two buckets are Faust's to round.
    assert sum(len(shards_of(each)) for each in buckets) <= (4 if len(had) == 2 else 4 + 2 + 2)


def test_more_members_than_shards_share_none_without_need():
    members = assigned({str(number): [] for number in range(8)})

    assert all(len(shards_of(topics["confirm"])) == 1 for topics in members.values())


@pytest.mark.parametrize("partitions", [4, 40])
def test_a_topic_with_fewer_or_more_partitions_is_dealt_in_full(partitions: int):
    members = assigned({"first": range(32), "second": []}, partitions=partitions)

    for topic in TOPICS:
        dealt = [bucket for topics in members.values() for bucket in topics[topic]]
        assert sorted(dealt) == list(range(partitions))
