-- name: find_entry
-- By its hash alone: the index of the owner's entries would do as well to the planner, and reads all
-- of them.
SELECT
    user_id, seq, currency, amount, balance_after, kind, transfer_id, counterparty_id, at, hash,
    prev_hash
FROM entries
WHERE hash = $1
