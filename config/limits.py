"""Limits of the process: what an entry point raises before it begins."""

import resource
import sys
from contextlib import suppress


def raise_file_limit() -> int:
    """Allows as many open files as this user may have; 1,024, the usual soft limit, is too few.

    Returns:
        How many that is.

    A gateway has a file open for each client, and refuses clients silently when it has none left.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS calls a limit infinite that it then refuses.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft
