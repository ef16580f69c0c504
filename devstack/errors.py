"""Everything that can go wrong with the development stack, as one small tree.

DevstackError           its text is for the person at the terminal, and says what to do
├── JarError            jars could not be fetched, or are not those of their lock
├── PortTakenError      another program listens where we want to
├── ServerError         a process ended, or was not ready in time; carries the end of its log
└── HomeError           the data folder is in use, or holds data of another version
"""

from pathlib import Path


class DevstackError(Exception):
    """A failure whose text tells the person at the terminal what to do."""


class JarError(DevstackError):
    """Jars could not be fetched, or are not those of their lock."""


class HomeError(DevstackError):
    """The data folder is in use, or holds data of another version."""


class PortTakenError(DevstackError):
    """Another program listens on a port that is wanted.

    Args:
        port: the port.
        setting: the environment variable that moves it.
    """

    def __init__(self, port: int, setting: str) -> None:
        super().__init__(f"port {port} is taken by another program; set {setting} to a free one")
        self.port = port
        self.setting = setting


class ServerError(DevstackError):
    """A process ended when it should not have, or was not ready in time.

    Args:
        what: the sentence that says so.
        log: its log, whose last lines are shown.
    """

    def __init__(self, what: str, log: Path) -> None:
        super().__init__(f"{what}; its log is {log}{_indented(tail(log))}")
        self.log = log


def tail(log: Path, *, lines: int = 12) -> str:
    """The last lines of a log, or nothing where there is none."""
    if not log.is_file():
        return ""
    with log.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 16_384))
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def _indented(text: str) -> str:
    return "".join(f"\n    {line}" for line in text.splitlines())
