"""The logins of this user of the machine: one file, with tokens and never a password.

It is replaced whole, by one process at a time, and only its owner may read it.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from cli.errors import CommandError
from config.files import locked, write_whole

_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A token and whose it is, on which gateway."""

    gateway: str
    email: str
    user_id: str
    token: str = field(repr=False)
    expires_at: datetime

    @property
    def has_ended(self) -> bool:
        """Whether the gateway takes this token no more."""
        return self.expires_at <= datetime.now(UTC)


def logins_folder() -> Path:
    """Where the file is: `holdfast` in the folder that XDG has for configuration."""
    given = os.environ.get("XDG_CONFIG_HOME", "")
    # What is relative is to be ignored, says XDG.
    base = Path(given) if given.startswith("/") else Path.home() / ".config"
    return base / "holdfast"


class Logins:
    """The logins in a folder, the one that was used last first.

    Args:
        folder: where `logins.json` is; made by the first login.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "logins.json"

    def all(self) -> Sequence[Login]:
        """Every login, the one that was used last first.

        Raises:
            CommandError: the file cannot be read.
        """
        try:
            return _read(self.path)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CommandError(
                f"{self.path} cannot be used ({type(error).__name__}): delete it, and log in again"
            ) from error

    def put(self, login: Login) -> None:
        """Keeps this login, first, and instead of an older one of the same user there."""
        self._change(lambda kept: [login, *(one for one in kept if not _is_same(one, login))])

    def use(self, login: Login) -> None:
        """Makes this login the one that was used last; nothing is written if it is already."""
        if self.all()[:1] != [login]:
            self._change(
                lambda kept: sorted(kept, key=lambda one: not _is_same(one, login))  # stable
            )

    def remove(self, gone: Sequence[Login]) -> None:
        """Forgets these logins."""
        self._change(
            lambda kept: [one for one in kept if not any(_is_same(one, each) for each in gone)]
        )

    def _change(self, change: Callable[[Sequence[Login]], Sequence[Login]]) -> None:
        try:
            with self._alone():
                content = {"format": _FORMAT, "logins": [_shown(o) for o in change(self.all())]}
                write_whole(self.path, json.dumps(content, indent=2))
        except OSError as error:
            raise CommandError(
                f"{self.path} cannot be written ({error.strerror}): set XDG_CONFIG_HOME to a"
                " folder of yours"
            ) from error

    def _alone(self) -> TextIO:
        """Keeps other processes out until it is closed."""
        folder = self.path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        return locked(folder)


def _read(path: Path) -> list[Login]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["format"] != _FORMAT:
        raise ValueError("of another version")
    return [
        Login(**{**one, "expires_at": datetime.fromisoformat(one["expires_at"]).astimezone(UTC)})
        for one in content["logins"]
    ]


def _shown(login: Login) -> dict[str, str]:
    return {**asdict(login), "expires_at": login.expires_at.isoformat()}


def _is_same(one: Login, other: Login) -> bool:
    return (one.gateway, one.email) == (other.gateway, other.email)
