"""The wish to stop, as signals bring it."""

import signal
from types import FrameType


class StopWish:
    """Whether Ctrl-C, SIGTERM or SIGHUP (a closed terminal) has come; a second one adds nothing.

    A plain flag: `threading.Event.set` in a handler can wait for a lock that the interrupted
    code holds.
    """

    def __init__(self) -> None:
        self.made = False

    def listen(self) -> None:
        """Takes over the three signals of this process."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.made = True
