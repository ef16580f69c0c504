"""Users who can be paid, remembered: most payees have been paid before.

An open user is remembered until its shard tells that its status changed, or cannot tell any more.
Nothing relies on it: the verdict of the payee's shard decides.
"""

from collections import Counter
from collections.abc import Mapping
from typing import TypeVar
from uuid import UUID

from sagas.outcomes import Failed
from shards.ids import parse_id
from shards.notices import USER_CHANNEL
from shards.router import ShardMap
from shards.shard import Shard
from shards.users import UserStatus

# Some 20 MB with an e-mail each.
_USERS_MAX = 50_000

Glance = Mapping[Shard, int]

_KeyT = TypeVar("_KeyT", UUID, str)
_ValueT = TypeVar("_ValueT")


class KnownUsers:
    """Remembers open users by id and by e-mail; an `Audience` of what the shards tell."""

    channel = USER_CHANNEL

    def __init__(self, shards: ShardMap, *, users_max: int = _USERS_MAX) -> None:
        self._shards = shards
        self._users_max = users_max
        self._open: dict[UUID, None] = {}
        self._by_email: dict[str, UUID] = {}
        self._heard: set[Shard] = set()
        # How often each shard has told something, or has begun or ended to be heard.
        self._news: Counter[Shard] = Counter()

    def is_open(self, user_id: UUID) -> bool:
        """Whether this user is known, and known to be open."""
        return user_id in self._open

    def by_email(self, email: str) -> UUID | None:
        """The user with this e-mail, if it is known to be open."""
        user_id = self._by_email.get(email)
        return user_id if user_id is not None and user_id in self._open else None

    def glance(self) -> Glance:
        """To be taken before a look-up, and given to `learn` with what it found."""
        return dict(self._news)

    def learn(self, found: Mapping[UUID, UserStatus | Failed | None], *, since: Glance) -> None:
        """Remembers those that are open, if nothing that could be about them was told meanwhile."""
        for user_id, status in found.items():
            if status is not UserStatus.OPEN:
                continue
            shard = self._shards.of_id(user_id)
            if shard in self._heard and since.get(shard, 0) == self._news[shard]:
                self._remember(self._open, user_id, None)

    def learn_emails(
        self, found: Mapping[str, tuple[UUID, UserStatus] | Failed | None], *, since: Glance
    ) -> None:
        """As `learn`; a user's e-mail never changes."""
        users = {email: user for email, user in found.items() if isinstance(user, tuple)}
        self.learn(dict(users.values()), since=since)
        for email, (user_id, _) in users.items():
            self._remember(self._by_email, email, user_id)

    def begin(self, shard: Shard) -> None:
        """From now on, what changes is told."""
        self._news[shard] += 1
        self._heard.add(shard)

    def hear(self, shard: Shard, payload: str) -> None:
        """A user's status has changed."""
        self._news[shard] += 1
        try:
            self._open.pop(parse_id(payload), None)
        except ValueError:
            self._forget(shard)

    def end(self, shard: Shard) -> None:
        """Nothing is told any more, so nothing is known."""
        self._news[shard] += 1
        self._heard.discard(shard)
        self._forget(shard)

    def _forget(self, shard: Shard) -> None:
        for user_id in [one for one in self._open if self._shards.of_id(one) is shard]:
            del self._open[user_id]

    def _remember(self, known: dict[_KeyT, _ValueT], key: _KeyT, value: _ValueT) -> None:
        known[key] = value
        if len(known) > self._users_max:
            del known[next(iter(known))]
