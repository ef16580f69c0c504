"""What ends the demo, or counts against it.

DemoError              its text is for the person at the terminal, and says what to do
└── NoAnswerError      the gateway gave no usable answer for all attempts
UnexpectedAnswerError  an answer that the contract does not have here; noted, and the demo goes on
"""


class DemoError(Exception):
    """The demo cannot go on; the text says what to do."""


class NoAnswerError(DemoError):
    """A request had no answer but "later" for all its attempts.

    Args:
        request: method and path.
        attempts: how often it was sent.
        last: what came of the last.
    """

    def __init__(self, request: str, *, attempts: int, last: str) -> None:
        super().__init__(
            f"{request} had no answer in {attempts} attempts (the last: {last});"
            " is `make run` still running? Its logs say more"
        )


class UnexpectedAnswerError(Exception):
    """An answer that the contract does not have here.

    Args:
        request: method and path.
        status: of the answer.
        code: of the problem, or what else was there.
    """

    def __init__(self, request: str, *, status: int, code: str) -> None:
        advice = "; the demo needs HOLDFAST_MOVEMENTS__DEPOSITS_BY=owner"
        super().__init__(
            f"{request} was answered with {status} {code}"
            + (advice if code == "operator_only" else "")
        )
