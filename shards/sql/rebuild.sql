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
    SELECT user_id, currency, sum(held) AS held
    FROM (
        SELECT payer_id AS user_id, currency, amount AS held
        FROM transfers
        WHERE payer_id = ANY($1::uuid[]) AND status = 'held'
        UNION ALL
        SELECT payer_id, currency, amount - captured
        FROM holds
        WHERE payer_id = ANY($1::uuid[]) AND status = 'open'
    ) AS each
    GROUP BY user_id, currency
),
-- What counts as spent on which day; a capture on that of its hold, which counts whole while open.
spending AS (
    SELECT
        payer_id AS user_id, currency, (created_at AT TIME ZONE 'UTC')::date AS day, amount
    FROM transfers
    WHERE payer_id = ANY($1::uuid[])
        AND status IN ('held', 'debited', 'completed')
        AND hold_id IS NULL
    UNION ALL
    SELECT user_id, currency, (created_at AT TIME ZONE 'UTC')::date, amount
    FROM movements
    WHERE user_id = ANY($1::uuid[]) AND kind = 'withdrawal' AND status = 'completed'
    UNION ALL
    SELECT
        payer_id, currency, (created_at AT TIME ZONE 'UTC')::date,
        CASE WHEN status = 'open' THEN amount ELSE captured END
    FROM holds
    WHERE payer_id = ANY($1::uuid[]) AND status <> 'rejected'
    UNION ALL
    SELECT payer_id, currency, spent_on, -amount
    FROM transfers
    WHERE payer_id = ANY($1::uuid[]) AND hold_id IS NOT NULL AND status = 'refunded'
),
by_day AS (
    SELECT user_id, currency, day, sum(amount) AS spent
    FROM spending
    GROUP BY user_id, currency, day
),
-- Of the last day, which is never before the one that the account has counted.
spent AS (
    SELECT DISTINCT ON (user_id, currency)
        user_id,
        currency,
        greatest(b.day, a.spent_day) AS spent_day,
        CASE WHEN b.day >= coalesce(a.spent_day, b.day) THEN b.spent ELSE 0 END AS spent
    FROM by_day AS b
    LEFT JOIN accounts AS a USING (user_id, currency)
    ORDER BY user_id, currency, b.day DESC
),
stored AS (
    SELECT user_id, currency, balance, held, seq, head_hash, last_at, spent, spent_day
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
        s.spent AS stored_spent,
        s.spent_day AS stored_spent_day,
        coalesce(h.balance, 0) AS balance,
        coalesce(r.held, 0) AS held,
        coalesce(h.seq, 0) AS seq,
        coalesce(h.hash, decode(repeat('00', 32), 'hex')) AS head_hash,
        h.at AS last_at,
        coalesce(p.spent, 0) AS spent,
        coalesce(p.spent_day, s.spent_day) AS spent_day
    FROM stored AS s
    FULL JOIN head AS h USING (user_id, currency)
    FULL JOIN reserved AS r USING (user_id, currency)
    LEFT JOIN spent AS p USING (user_id, currency)
)
SELECT
    user_id, currency, stored_balance, stored_held, stored_seq, stored_head_hash, stored_last_at,
    stored_spent, stored_spent_day, balance, held, seq, head_hash, last_at, spent, spent_day
FROM compared
WHERE (stored_balance, stored_held, stored_seq, stored_head_hash, stored_last_at, stored_spent,
        stored_spent_day)
    IS DISTINCT FROM (balance, held, seq, head_hash, last_at, spent, spent_day)
ORDER BY user_id, currency

-- name: write_accounts
-- The version goes up: whoever has read an account before must not write it back.
INSERT INTO accounts
    (user_id, currency, bucket, balance, held, seq, head_hash, last_at, version, spent, spent_day)
SELECT user_id, currency, bucket, balance, held, seq, head_hash, last_at, 1, spent, spent_day
FROM unnest(
    $1::uuid[], $2::text[], $3::integer[], $4::numeric[], $5::numeric[], $6::bigint[],
    $7::bytea[], $8::timestamptz[], $9::numeric[], $10::date[])
    AS new (user_id, currency, bucket, balance, held, seq, head_hash, last_at, spent, spent_day)
ON CONFLICT (user_id, currency) DO UPDATE SET
    balance = excluded.balance,
    held = excluded.held,
    seq = excluded.seq,
    head_hash = excluded.head_hash,
    last_at = excluded.last_at,
    spent = excluded.spent,
    spent_day = excluded.spent_day,
    version = accounts.version + 1
