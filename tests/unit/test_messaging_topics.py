from messaging.errors import TopicProblem, TopicsError
from messaging.topics import FOREVER_MS, WEEK_MS, TopicNames


def test_names_of_the_default_prefix() -> None:
    assert TopicNames.for_prefix("wallet").all == (
        "wallet.try-confirm.v1",
        "wallet.confirm.v1",
        "wallet.cancel.v1",
        "wallet.dead.v1",
        "wallet.events.v1",
    )


def test_only_dead_letters_are_kept_for_ever() -> None:
    names = TopicNames.for_prefix("wallet")

    assert {names.retention_ms(topic) for topic in (*names.steps, names.events)} == {WEEK_MS}
    assert names.retention_ms(names.dead) == FOREVER_MS


def test_the_error_names_each_topic_and_the_way_out() -> None:
    error = TopicsError(
        [TopicProblem(topic="a.v1", what="is missing"), TopicProblem(topic="b.v1", what="has 3")]
    )

    assert "'a.v1' is missing; 'b.v1' has 3" in str(error)
    assert "holdfast migrate" in str(error)
