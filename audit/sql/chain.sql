-- name: walk_in_order
-- Rows come in the order of the index, one by one: no sort, whose first row is the last to be ready.
SET LOCAL enable_sort = off;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off

-- name: count_links
-- An account's seq is the number of its entries, if all is well: quicker than counting them.
SELECT
    (SELECT coalesce(sum(seq), 0)::bigint FROM accounts WHERE user_id BETWEEN $1 AND $2) AS entries,
    (SELECT count(*) FROM operator_acts) AS acts

-- name: entries_in_order
SELECT
    e.user_id::text,
    e.currency,
    e.seq,
    e.amount::text,
    e.balance_after::text,
    e.kind,
    coalesce(e.transfer_id::text, ''),
    coalesce(e.counterparty_id::text, ''),
    coalesce(to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), ''),
    e.prev_hash,
    e.hash
FROM entries AS e
WHERE e.user_id BETWEEN $1 AND $2
ORDER BY e.user_id, e.currency, e.seq

-- name: accounts_after
-- A page; ($1, $3) is the last account of the page before.
SELECT a.user_id::text, a.currency, a.seq, a.balance::text, a.head_hash
FROM accounts AS a
WHERE a.user_id BETWEEN $1 AND $2 AND (a.user_id, a.currency) > ($1, $3)
ORDER BY a.user_id, a.currency
LIMIT $4

-- name: acts_in_order
SELECT
    o.bucket,
    o.seq,
    o.act,
    o.target_id::text,
    o.done_by,
    o.reason,
    o.detail,
    coalesce(to_char(o.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), ''),
    o.prev_hash,
    o.hash
FROM operator_acts AS o
ORDER BY o.bucket, o.seq

-- name: find_user
SELECT 1 FROM users WHERE id = $1
