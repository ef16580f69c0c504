"""The hash of an entry, from what is shown of it: docs/http-api.md, "The hash of an entry"."""

import hashlib

from client.ledger_models import Entry
from client.money import as_minor
from client.requests import time_text

FIRST_PREV_HASH = "0" * 64


def canonical(entry: Entry, *, user_id: str) -> str:
    """The string of which the hash is taken.

    Args:
        entry: as it was shown.
        user_id: whose wallet it is in: the entry does not repeat it.
    """
    fields = (
        "holdfast.entry.v1",
        user_id.lower(),
        entry.currency,
        str(entry.seq),
        str(as_minor(entry.amount)),
        str(as_minor(entry.balance_after)),
        entry.kind,
        entry.transfer_id or "",
        entry.counterparty or "",
        time_text(entry.at),
        entry.prev_hash,
    )
    return "|".join(fields)


def entry_hash(entry: Entry, *, user_id: str) -> str:
    """The hash that this entry must have, in lower-case hex."""
    return hashlib.sha256(canonical(entry, user_id=user_id).encode()).hexdigest()
