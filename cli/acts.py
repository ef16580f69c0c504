"""Acts of operators for a person: from the shards or over HTTP, they look the same."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from cli.text import printable


class ShownAct(Protocol):
    """What is shown of an act."""

    @property
    def at(self) -> datetime:
        """When."""

    @property
    def act(self) -> str:
        """What was done."""

    @property
    def target_id(self) -> UUID | str:
        """To which row."""

    @property
    def done_by(self) -> str:
        """By whom."""

    @property
    def reason(self) -> str:
        """Why."""

    @property
    def detail(self) -> str:
        """What exactly."""


def print_acts(acts: Sequence[ShownAct]) -> None:
    """Plain lines, which no terminal cuts: a trail is read word by word."""
    for act in acts:
        at = f"{act.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        print(f"{at}  {act.act}  {act.target_id}  by {printable(act.done_by)}")
        print(f"    reason: {printable(act.reason)}")
        print(f"    {printable(act.detail)}")
    if not acts:
        print("No acts.")
