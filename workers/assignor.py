"""Which worker reads which buckets: each those of as few shards as can be.

A lane gathers what one shard has to do into one transaction, and each worker has lanes of its own.
Two workers that read half of every shard's buckets make twice as many transactions, each half as
large; two that read all buckets of half of the shards do not.
"""

from collections.abc import Collection, Mapping, Sequence

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from faust.assignor.client_assignment import ClientAssignment, ClientMetadata
from faust.assignor.partition_assignor import MemberAssignmentMapping, PartitionAssignor
from faust.types.app import AppT
from typing_extensions import override


def deal(
    buckets_by_shard: Sequence[int], had: Mapping[str, Collection[int]]
) -> dict[str, Sequence[int]]:
    """Cuts the buckets, as they are ordered, into a run for each member of the group.

    Members keep the order of what they had, those that had nothing come last, and then their ids
    decide: the same members are dealt the same runs again.

    Args:
        buckets_by_shard: all buckets, those of a shard side by side.
        had: the buckets of each member until now, by its id; one member at the least.

    Returns:
        The run of each member; they differ by one bucket at the most.
    """
    place = {bucket: index for index, bucket in enumerate(buckets_by_shard)}

    def order(member: str) -> tuple[int, str]:
        return min((place[b] for b in had[member] if b in place), default=len(place)), member

    cuts = [len(place) * index // len(had) for index in range(len(had) + 1)]
    return {
        member: buckets_by_shard[cuts[index] : cuts[index + 1]]
        for index, member in enumerate(sorted(had, key=order))
    }


class ShardAssignor(PartitionAssignor):
    """Faust's assignor, which leaves members what they had, told that they had what `deal` says.

    It runs in the one worker that leads the group. Its rounding stays Faust's: where buckets do
    not divide evenly, a bucket of a run may go to another member.

    Args:
        app: as Faust gives it.
        replicas: likewise, of tables, which there are none of.
        buckets_by_shard: as of `deal`; partitions that are not named are dealt by Faust.
    """

    def __init__(
        self, app: AppT, replicas: int = 0, *, buckets_by_shard: Sequence[int] = ()
    ) -> None:
        super().__init__(app, replicas)
        self._buckets_by_shard = buckets_by_shard

    @override
    def assign(
        self,
        cluster: ClusterMetadata,
        member_metadata: Mapping[str, ConsumerProtocolMemberMetadata],
    ) -> MemberAssignmentMapping:
        told = {member: self._get_client_metadata(its) for member, its in member_metadata.items()}
        runs = deal(
            self._buckets_by_shard,
            {
                member: {tp.partition for tp in client.assignment.active_tps}
                for member, client in told.items()
            },
        )
        return super().assign(
            cluster,
            {
                member: _with_run(metadata, told[member], cluster, runs[member])
                for member, metadata in member_metadata.items()
            },
        )


def _with_run(
    metadata: ConsumerProtocolMemberMetadata,
    client: ClientMetadata,
    cluster: ClusterMetadata,
    run: Sequence[int],
) -> ConsumerProtocolMemberMetadata:
    """What a member says of itself, with its run of each topic in place of what it had."""
    client.assignment = ClientAssignment(
        actives={
            topic: sorted(set(run) & (cluster.partitions_for_topic(topic) or set()))
            for topic in metadata.subscription
        },
        standbys={},
    )
    return ConsumerProtocolMemberMetadata(metadata.version, metadata.subscription, client.dumps())
