-- name: read_limit
SELECT
    daily_limit, spent,
    -- Later than today where the clock was set back: that day goes on.
    spent_day >= (app_now() AT TIME ZONE 'UTC')::date AS is_today
FROM accounts
WHERE user_id = $1 AND currency = $2

-- name: write_limit
-- The version goes up: whoever has read the account before must not write it back.
INSERT INTO accounts
    (user_id, currency, bucket, balance, held, seq, head_hash, version, daily_limit)
VALUES ($1, $2, $3, 0, 0, 0, $4, 1, $5)
ON CONFLICT (user_id, currency) DO UPDATE SET
    daily_limit = excluded.daily_limit,
    version = accounts.version + 1
