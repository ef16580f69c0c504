"""What ends the demo.

DemoError   its text is for the person at the terminal, and says what to do

An error of the client ends it, too, where the gateway is away and stays away (`AWAY`), or before
the transfers; a transfer that is answered otherwise than planned is noted, and the demo goes on.
"""

from client import NoAnswerError, TryLaterError

AWAY = (NoAnswerError, TryLaterError)


class DemoError(Exception):
    """The demo cannot go on; the text says what to do."""
