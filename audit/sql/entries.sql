-- name: entry_account
-- says: Every entry is of an account and of a user that exist.
-- examines: entries accounts users
SELECT
    ARRAY[e.user_id::text, e.currency, e.seq::text] AS ids,
    CASE WHEN u.id IS NULL THEN 'no such user' ELSE 'no such account' END AS detail
FROM entries AS e
LEFT JOIN accounts AS a ON a.user_id = e.user_id AND a.currency = e.currency
LEFT JOIN users AS u ON u.id = e.user_id
WHERE a.user_id IS NULL OR u.id IS NULL

-- name: entry_shape
-- says: An entry's kind, contra account, sign and source belong together.
-- examines: entries
SELECT
    ARRAY[user_id::text, currency, seq::text] AS ids,
    format('%s of %s against %s, transfer %s, movement %s, counterparty %s',
        kind, amount, contra, transfer_id, movement_id, counterparty_id) AS detail
FROM entries
WHERE amount = 'NaN' OR amount = 0 OR NOT CASE
    WHEN kind IN ('deposit', 'withdrawal') THEN
        contra = 'external' AND (amount > 0) = (kind = 'deposit')
        AND movement_id IS NOT NULL AND transfer_id IS NULL AND counterparty_id IS NULL
    WHEN kind IN ('transfer_out', 'transfer_in', 'transfer_return') THEN
        contra = 'in_transit' AND (amount < 0) = (kind = 'transfer_out')
        AND movement_id IS NULL AND transfer_id IS NOT NULL AND counterparty_id IS NOT NULL
    ELSE false
END

-- name: entry_seq
-- says: The entries of an account are numbered 1, 2, 3 and so on, without a gap.
-- examines: entries
SELECT
    ARRAY[user_id::text, currency, seq::text] AS ids,
    format('seq %s stands at place %s', seq, place) AS detail
FROM (
    SELECT
        user_id, currency, seq,
        row_number() OVER (PARTITION BY user_id, currency ORDER BY seq) AS place
    FROM entries
) AS counted
WHERE seq <> place

-- name: entry_balance
-- says: Each entry leaves what the one before it left plus its amount, and never less than zero.
-- examines: entries
SELECT
    ARRAY[user_id::text, currency, seq::text] AS ids,
    format('%s after %s makes %s, not %s', amount, before, before + amount, balance_after) AS detail
FROM (
    SELECT
        user_id, currency, seq, amount, balance_after,
        lag(balance_after, 1, 0::numeric)
            OVER (PARTITION BY user_id, currency ORDER BY seq) AS before
    FROM entries
) AS chained
WHERE balance_after <> before + amount OR balance_after < 0 OR balance_after = 'NaN'

-- name: entry_hash
-- says: An entry's hash is the SHA-256 of its canonical string, computed anew.
-- examines: entries
SELECT
    ARRAY[user_id::text, currency, seq::text] AS ids,
    format('hash %s, computed %s', encode(hash, 'hex'), encode(computed, 'hex')) AS detail
FROM (
    SELECT
        user_id, currency, seq, hash,
        sha256(convert_to(
            concat_ws('|',
                'holdfast.entry.v1',
                user_id,
                currency,
                seq,
                amount,
                balance_after,
                kind,
                coalesce(transfer_id::text, ''),
                coalesce(counterparty_id::text, ''),
                to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                encode(prev_hash, 'hex')),
            'UTF8')) AS computed
    FROM entries
) AS hashed
WHERE hash <> computed

-- name: entry_chain
-- says: An entry's prev_hash is the hash of the entry before it; the first one's is zeros.
-- examines: entries
SELECT
    ARRAY[user_id::text, currency, seq::text] AS ids,
    format('prev_hash %s, the hash before it is %s',
        encode(prev_hash, 'hex'), encode(before, 'hex')) AS detail
FROM (
    SELECT
        user_id, currency, seq, prev_hash,
        lag(hash, 1, decode(repeat('00', 32), 'hex'))
            OVER (PARTITION BY user_id, currency ORDER BY seq) AS before
    FROM entries
) AS chained
WHERE prev_hash <> before

-- name: entry_time
-- says: Time never steps back from one entry of an account to the next.
-- examines: entries
SELECT
    ARRAY[user_id::text, currency, seq::text] AS ids,
    format('at %s, the entry before it at %s', at, before) AS detail
FROM (
    SELECT
        user_id, currency, seq, at,
        lag(at) OVER (PARTITION BY user_id, currency ORDER BY seq) AS before
    FROM entries
) AS chained
WHERE at < before

-- name: entry_after_cause
-- says: An entry is of the time of its movement, and not older than the step that made it.
-- examines: entries movements transfers verdicts
SELECT
    ARRAY[e.user_id::text, e.currency, e.seq::text] AS ids,
    format('%s at %s, its cause at %s', e.kind, e.at, cause.at) AS detail
FROM entries AS e
JOIN (
    SELECT id, kind, created_at AS at FROM movements
    UNION ALL
    SELECT id, 'transfer_out', debited_at FROM transfers
    UNION ALL
    SELECT id, 'transfer_return', ended_at FROM transfers
    UNION ALL
    SELECT transfer_id, 'transfer_in', created_at FROM verdicts
) AS cause ON cause.id = coalesce(e.movement_id, e.transfer_id) AND cause.kind = e.kind
WHERE e.at < cause.at OR (e.movement_id IS NOT NULL AND e.at > cause.at)
