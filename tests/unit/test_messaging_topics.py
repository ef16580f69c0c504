from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.admin import NewTopic
from aiokafka.errors import InvalidReplicationFactorError, InvalidTopicError, NoError

from messaging.errors import TopicProblem, TopicsError
from messaging.topics import FOREVER_MS, WEEK_MS, TopicNames, made


class Refusing:
    """An admin client whose requests are answered with these codes, one each, then with success.

    A real broker comes out of a freeze like this about once in a hundred times.
    """

    def __init__(self, *errors: Any) -> None:
        self.codes = [error.errno for error in errors]

    async def create_topics(self, topics: list[NewTopic]) -> Any:
        code = self.codes.pop(0) if self.codes else NoError.errno
        return SimpleNamespace(topic_errors=[(each.name, code, "told") for each in topics])


async def test_a_broker_that_is_not_counted_yet_is_asked_again() -> None:
    admin: Any = Refusing(InvalidReplicationFactorError, InvalidReplicationFactorError)

    assert await made(admin, [NewTopic("a.v1", 1, 1)]) == ["a.v1"]
    assert not admin.codes


async def test_what_is_refused_for_good_is_not_asked_again() -> None:
    admin: Any = Refusing(InvalidTopicError)

    with pytest.raises(TopicsError, match=r"'a.v1' was refused: told"):
        await made(admin, [NewTopic("a.v1", 1, 1)])


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
