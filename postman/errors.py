"""What ends `make postman` before the collection is over.

PostmanError           its text is for the person at the terminal, and says what to do
└── NoOperatorError    the command cannot make an operator of the system behind the gateway
"""


class PostmanError(Exception):
    """The collection cannot be run; the text says why, and what to do."""


class NoOperatorError(PostmanError):
    """Nobody can be made an operator of this system from here."""
