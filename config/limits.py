"""Limits of the process: what an entry point sets for the process it is."""

import gc
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


# Objects made and not yet freed, before the collector looks at those; the default is 700.
_COLLECT_AFTER = 50_000


def spare_collector() -> None:
    """Has the collector of reference cycles look at less, and less often; for after the start.

    Nearly all that a request or a message leaves behind is freed by counting references. The
    collector took a tenth of the processor time of gateway and workers at its defaults, most of it
    for looking at what lives as long as the process, which it now leaves alone.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
