"""What can go wrong between this project and Kafka.

MessagingError
├── BrokerUnavailableError   transient: nobody knows whether the messages arrived; send again
├── UnsendableMessageError   bug: this message can never be sent; its neighbours can
└── TopicsError              topics are missing or made differently; a person has to act
"""

from dataclasses import dataclass


class MessagingError(Exception):
    """Root of the errors of this package."""


class BrokerUnavailableError(MessagingError):
    """The broker did not acknowledge every message in time.

    Some or all of them may have been written all the same, and may still be: sending again can
    duplicate, never lose.
    """


class UnsendableMessageError(MessagingError):
    """A message that no broker would take; nothing of its batch was sent."""

    def __init__(self, *, topic: str, partition: int, size: int, size_max: int) -> None:
        super().__init__(f"message for {topic}[{partition}] has {size} bytes, over {size_max}")
        self.topic = topic
        self.partition = partition


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicProblem:
    """One topic, and what is wrong with it."""

    topic: str
    what: str


class TopicsError(MessagingError):
    """Topics are missing, or were made with other numbers than the settings say."""

    def __init__(self, problems: list[TopicProblem]) -> None:
        told = "; ".join(f"{problem.topic!r} {problem.what}" for problem in problems)
        super().__init__(
            f"Kafka topics: {told}. Run `holdfast migrate`: it makes what is missing, and leaves"
            " alone what was made with other numbers (change the settings, or delete the topic)"
        )
        self.problems = problems
