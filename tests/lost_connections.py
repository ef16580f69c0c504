"""What aiokafka leaves open when it is cancelled while it connects."""

import gc


def close_lost_connections() -> None:
    """To be called at the end of a test's use of Kafka, while its loop still runs.

    A client that is cancelled between its first connection and its first metadata has kept no
    reference to that connection: only its finalizer closes it, and no more once the loop is
    closed. Left to chance, that fails whatever test runs when the garbage is collected.
    """
    gc.collect()
