"""Which signed messages travel together, and where."""

from uuid import UUID

from messaging.envelope import LINES_MAX, MANY, Packing, lines_of
from messaging.topics import TopicNames
from sagas.messages import KeyRing, Message, Step
from shards.ids import RandomIds, bucket_of

KEYS = KeyRing({"a": b"0123456789abcdef0123456789abcdef"})
NAMES = TopicNames.for_prefix("wallet")
IDS = RandomIds()
# Buckets 0, 2, 4 live on one shard, 1, 3, 5 on the other.
PACKING = Packing(keys=KEYS, names=NAMES, shard_of=lambda bucket: bucket % 2)


def messages(*buckets: int, step: Step = Step.TRY_CONFIRM) -> list[Message]:
    """A message for each, whose step's user is in that bucket."""
    return [
        Message(
            step=step,
            transfer_id=IDS.new_id(9),
            payer_id=IDS.new_id(9 if step is Step.CONFIRM else bucket),
            payee_id=IDS.new_id(bucket if step is Step.CONFIRM else 9),
            currency="EUR",
            amount=1,
            refund_of=None,
            traceparent=f"00-{number:032x}-{number:016x}-01",
        )
        for number, bucket in enumerate(buckets)
    ]


def carried(value: bytes, step: Step = Step.TRY_CONFIRM) -> list[UUID]:
    """The transfers in a Kafka message."""
    return [KEYS.decode(line, step=step, traceparent="").transfer_id for line in lines_of(value)]


def test_what_goes_to_one_shard_travels_together_in_the_partition_that_has_most():
    sent = messages(0, 2, 2, 1, 4, 3)

    packed = PACKING.pack(sent)

    assert [(one.topic, one.partition) for one in packed] == [
        (NAMES.try_confirm, 2),
        (NAMES.try_confirm, 1),
    ]
    assert carried(packed[0].value) == [sent[n].transfer_id for n in (0, 1, 2, 4)]
    assert carried(packed[1].value) == [sent[n].transfer_id for n in (3, 5)]


def test_each_line_has_its_trace_in_a_header_of_its_own_in_the_same_order():
    sent = messages(0, 2, 0)

    (packed,) = PACKING.pack(sent)

    by_id = {message.transfer_id: message.traceparent.encode() for message in sent}
    assert [value for _, value in packed.headers] == [by_id[id_] for id_ in carried(packed.value)]
    assert {name for name, _ in packed.headers} == {"traceparent"}


def test_a_bucket_in_much_demand_keeps_its_own_partition():
    packed = PACKING.pack(messages(*[0] * MANY, 2, 4))

    assert {one.partition: len(lines_of(one.value)) for one in packed} == {0: MANY, 2: 2}


def test_steps_do_not_mix():
    sent = messages(0) + messages(0, step=Step.CONFIRM) + messages(0, step=Step.CANCEL)

    assert [one.topic for one in PACKING.pack(sent)] == [*NAMES.steps]


def test_no_kafka_message_carries_more_than_it_may():
    packed = PACKING.pack(messages(*[0] * (LINES_MAX + 1)))

    assert [len(lines_of(one.value)) for one in packed] == [LINES_MAX, 1]


def test_what_we_did_not_pack_is_a_line_like_another():
    assert lines_of(b"{") == [b"{"]
    assert len(lines_of(b"\n" * 10_000)) == LINES_MAX + 1


def test_a_message_lies_on_its_users_shard():
    sent = messages(5, 3, step=Step.CONFIRM)

    (packed,) = PACKING.pack(sent)

    assert packed.partition in {bucket_of(message.payee_id) for message in sent}
