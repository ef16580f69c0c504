"""What the checker requires beyond the audit, each in one sentence."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Invariant(StrEnum):
    """The name that a violation is told by."""

    FROZEN_TOTAL = "frozen_total"
    FROZEN_TRANSIT = "frozen_transit"
    FROZEN_HELD = "frozen_held"
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
    HOLD_FORWARD = "hold_forward"
    HOLD_END = "hold_end"
    HOLD_ADDS_UP = "hold_adds_up"
    REFUND_LINKED = "refund_linked"
    REFUND_REFUSED = "refund_refused"
    LIMIT_AS_ASKED = "limit_as_asked"
    HISTORY_TOTAL = "history_total"
    REPLAY_ENTRIES = "replay_entries"
    REPLAY_ACCOUNT = "replay_account"
    REPLAY_HOLD = "replay_hold"
    REFUND_CAP = "refund_cap"
    LIMIT_KEPT = "limit_kept"
    REFUSAL_DUE = "refusal_due"
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
        Invariant.FROZEN_HELD: (
            "What is held on a shard is what held transfers and open holds reserve, per currency."
        ),
        Invariant.ALL_ENDED: (
            "Every transfer is over, and every hold whose time has been up for a minute."
        ),
        Invariant.NOTHING_HELD: (
            "Nothing is held on any account but what is left of its open holds."
        ),
        Invariant.USER_KEPT: "A user that was made is there, once, with its e-mail.",
        Invariant.ACCEPTED_ONCE: (
            "A request that was accepted has a row with the id of its answer, not rejected."
        ),
        Invariant.ROW_AS_ASKED: (
            "The row of a key is as it was asked for: kind, parties, currency, amount and origin."
        ),
        Invariant.REFUSAL_RECORDED: (
            "A refusal that belongs to its key has a rejected row with the reason that was told."
        ),
        Invariant.REFUSED_NO_ROW: "A key that only met other refusals has no row.",
        Invariant.KEY_ONE_EFFECT: (
            "A key of a wallet and who asks has one row at the most, on all shards together."
        ),
        Invariant.KEY_ONE_ID: "A key is always answered with the same id.",
        Invariant.ROW_WAS_ASKED: "Every row of a user of the history was asked for in it.",
        Invariant.STATUS_FORWARD: (
            "A status that was read never goes back, and a terminal one never changes."
        ),
        Invariant.ACCEPTED_SHOWN: (
            "What was accepted, a transfer or a hold, is never told away (403, 404) afterwards."
        ),
        Invariant.END_EXPLAINS: "How a transfer ended explains what was answered to its cancels.",
        Invariant.HOLD_FORWARD: (
            "A hold that was shown never goes back: what is captured only grows, an end stays."
        ),
        Invariant.HOLD_END: (
            "A hold has one end, and it explains what was answered to its captures and voids."
        ),
        Invariant.HOLD_ADDS_UP: (
            "What of a hold arrived, came back and was let go, or is left, is the whole of it."
        ),
        Invariant.REFUND_LINKED: (
            "What a transfer shows as refunded are its refunds that arrived, none left out."
        ),
        Invariant.REFUND_REFUSED: (
            "A refund was refused as too large, or as too early, only where it was."
        ),
        Invariant.LIMIT_AS_ASKED: (
            "Every limit that was set was asked for, and the last one that was answered stands."
        ),
        Invariant.HISTORY_TOTAL: (
            "What the users of the history have is what it deposited less what it withdrew."
        ),
        Invariant.REPLAY_ENTRIES: (
            "A user's events, replayed one after another, give its entries in their order."
        ),
        Invariant.REPLAY_ACCOUNT: (
            "A user's events, replayed, give its accounts: balance, held, version, spent and limit."
        ),
        Invariant.REPLAY_HOLD: (
            "A user's events, replayed, give its holds: no more captured than there was, one end."
        ),
        Invariant.REFUND_CAP: (
            "At no time is more of a transfer refunded, or on its way back, than it was of."
        ),
        Invariant.LIMIT_KEPT: (
            "On no UTC day does an account spend more than its limit, what was given back less."
        ),
        Invariant.REFUSAL_DUE: (
            "What was refused for want of money, or by the limit, was more than there was to spend."
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
