-- name: read_users_after
-- Pages through all users; $1 is the last id of the page before.
SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT $2

-- name: find_differences
-- One statement, so that it sees accounts, entries and transfers as of one moment.
WITH summed AS (
    SELECT user_id, currency, sum(amount) AS balance, max(seq) AS seq
    FROM entries
    WHERE user_id = ANY($1::uuid[])
    GROUP BY user_id, currency
),
head AS (
    SELECT s.user_id, s.currency, s.balance, s.seq, e.hash, e.at
    FROM summed AS s
    JOIN entries AS e ON e.user_id = s.user_id AND e.currency = s.currency AND e.seq = s.seq
),
reserved AS (
    SELECT payer_id AS user_id, currency, sum(amount) AS held
    FROM transfers
    WHERE payer_id = ANY($1::uuid[]) AND status = 'held'
    GROUP BY payer_id, currency
),
stored AS (
    SELECT user_id, currency, balance, held, seq, head_hash, last_at
    FROM accounts
    WHERE user_id = ANY($1::uuid[])
),
compared AS (
    SELECT
        user_id,
        currency,
        s.balance AS stored_balance,
        s.held AS stored_held,
        s.seq AS stored_seq,
        s.head_hash AS stored_head_hash,
        s.last_at AS stored_last_at,
        coalesce(h.balance, 0) AS balance,
        coalesce(r.held, 0) AS held,
        coalesce(h.seq, 0) AS seq,
        coalesce(h.hash, decode(repeat('00', 32), 'hex')) AS head_hash,
        h.at AS last_at
    FROM stored AS s
    FULL JOIN head AS h USING (user_id, currency)
    FULL JOIN reserved AS r USING (user_id, currency)
)
SELECT
    user_id, currency, stored_balance, stored_held, stored_seq, stored_head_hash, stored_last_at,
    balance, held, seq, head_hash, last_at
FROM compared
WHERE (stored_balance, stored_held, stored_seq, stored_head_hash, stored_last_at)
    IS DISTINCT FROM (balance, held, seq, head_hash, last_at)
ORDER BY user_id, currency

-- name: write_accounts
-- The version goes up: whoever has read an account before must not write it back.
INSERT INTO accounts
    (user_id, currency, bucket, balance, held, seq, head_hash, last_at, version)
SELECT user_id, currency, bucket, balance, held, seq, head_hash, last_at, 1
FROM unnest(
    $1::uuid[], $2::text[], $3::integer[], $4::numeric[], $5::numeric[], $6::bigint[],
    $7::bytea[], $8::timestamptz[])
    AS new (user_id, currency, bucket, balance, held, seq, head_hash, last_at)
ON CONFLICT (user_id, currency) DO UPDATE SET
    balance = excluded.balance,
    held = excluded.held,
    seq = excluded.seq,
    head_hash = excluded.head_hash,
    last_at = excluded.last_at,
    version = accounts.version + 1
