"""What cannot be done here."""


class Refused(Exception):  # noqa: N818 - it is the machine's no, and no error of ours
    """This machine does not allow a fault, at any time; it is reported as not run.

    Args:
        reason: what was refused, and by what.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
