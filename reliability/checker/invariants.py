"""What the checker requires beyond the audit, each in one sentence."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Invariant(StrEnum):
    """The name that a violation is told by."""

    FROZEN_TOTAL = "frozen_total"
    FROZEN_TRANSIT = "frozen_transit"
    ALL_ENDED = "all_ended"
    NOTHING_HELD = "nothing_held"
    USER_KEPT = "user_kept"
    ACCEPTED_ONCE = "accepted_once"
    ROW_AS_ASKED = "row_as_asked"
    REFUSAL_RECORDED = "refusal_recorded"
    REFUSED_NO_ROW = "refused_no_row"
    KEY_ONE_EFFECT = "key_one_effect"
    KEY_ONE_ID = "key_one_id"
    ROW_WAS_ASKED = "row_was_asked"
    STATUS_FORWARD = "status_forward"
    ACCEPTED_SHOWN = "accepted_shown"
    END_EXPLAINS = "end_explains"
    HISTORY_TOTAL = "history_total"
    REPLAY_ENTRIES = "replay_entries"
    REPLAY_ACCOUNT = "replay_account"
    READ_COMMITTED = "read_committed"
    READ_CURRENT = "read_current"
    READ_NOT_EARLY = "read_not_early"
    POWERS_COUNTED = "powers_counted"


SAYS: Mapping[Invariant, str] = MappingProxyType(
    {
        Invariant.FROZEN_TOTAL: (
            "Balances, money in transit and the outside add up to nothing, per currency."
        ),
        Invariant.FROZEN_TRANSIT: (
            "What entries took out and put in nowhere is what is debited without a credit."
        ),
        Invariant.ALL_ENDED: "Every transfer is over.",
        Invariant.NOTHING_HELD: "Nothing is held on any account.",
        Invariant.USER_KEPT: "A user that was made is there, once, with its e-mail.",
        Invariant.ACCEPTED_ONCE: (
            "A request that was accepted has a row with the id of its answer, not rejected."
        ),
        Invariant.ROW_AS_ASKED: (
            "The row of a key is as it was asked for: kind, parties, currency and amount."
        ),
        Invariant.REFUSAL_RECORDED: (
            "A refusal that belongs to its key has a rejected row with the reason that was told."
        ),
        Invariant.REFUSED_NO_ROW: "A key that only met other refusals has no row.",
        Invariant.KEY_ONE_EFFECT: "A user's key has one row at the most, on all shards together.",
        Invariant.KEY_ONE_ID: "A key is always answered with the same id.",
        Invariant.ROW_WAS_ASKED: "Every row of a user of the history was asked for in it.",
        Invariant.STATUS_FORWARD: (
            "A status that was read never goes back, and a terminal one never changes."
        ),
        Invariant.ACCEPTED_SHOWN: (
            "A transfer that was accepted is never told away (403, 404) to its payer afterwards."
        ),
        Invariant.END_EXPLAINS: "How a transfer ended explains what was answered to its cancels.",
        Invariant.HISTORY_TOTAL: (
            "What the users of the history have is what it deposited less what it withdrew."
        ),
        Invariant.REPLAY_ENTRIES: (
            "A user's events, replayed one after another, give its entries in their order."
        ),
        Invariant.REPLAY_ACCOUNT: (
            "A user's events, replayed, give its accounts: balance, held and version."
        ),
        Invariant.READ_COMMITTED: (
            "A balance that was read is the replayed state of its version, with what is held."
        ),
        Invariant.READ_CURRENT: (
            "A balance that was read shows all that was answered before it was asked for."
        ),
        Invariant.READ_NOT_EARLY: (
            "A balance that was read shows nothing that was asked for after it was answered."
        ),
        Invariant.POWERS_COUNTED: (
            "Amounts that are powers of four arrived as often as their transfers completed."
        ),
    }
)
