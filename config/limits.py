"""Limits of the process: what an entry point raises before it begins."""

import resource
from contextlib import suppress


def raise_file_limit() -> None:
    """Allows as many open files as this user may have; 1,024, the usual soft limit, is too few.

    A gateway has a file open for each client, and refuses clients silently when it has none left.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS calls a limit infinite that it then refuses.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
