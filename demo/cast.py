"""Who takes part in a demo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from client import Session


@dataclass(frozen=True, slots=True)
class Member:
    """A registered user who has logged in."""

    email: str
    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """All of them. `tag` is in every e-mail and key, so that a demo can be repeated."""

    tag: str
    members: Sequence[Member]
    decimals: Mapping[str, int]
