-- name: read_balances
SELECT a.currency, a.balance, a.held, a.version
FROM users AS u
LEFT JOIN accounts AS a ON a.user_id = u.id
WHERE u.id = $1
ORDER BY a.currency

-- name: read_balance
SELECT
    $2::text AS currency,
    coalesce(a.balance, 0) AS balance,
    coalesce(a.held, 0) AS held,
    coalesce(a.version, 0) AS version
FROM users AS u
LEFT JOIN accounts AS a ON a.user_id = u.id AND a.currency = $2
WHERE u.id = $1

-- name: read_balance_at
-- The last entry that is not after `$3`, by halves: entries are numbered from 1 without a gap, and
-- their times never step back, so the key finds it in log2(n) look-ups. What is in the middle and
-- not after `$3` is the new lower end; anything else, and all behind it, is out. 0 is no entry.
WITH RECURSIVE search AS (
    SELECT
        0::bigint AS low,
        coalesce((SELECT seq FROM accounts WHERE user_id = $1 AND currency = $2), 0) AS high
    UNION ALL
    SELECT
        CASE WHEN e.at <= $3 THEN e.seq ELSE s.low END,
        CASE WHEN e.at <= $3 THEN s.high ELSE e.seq - 1 END
    FROM search AS s
    JOIN entries AS e
        ON e.user_id = $1 AND e.currency = $2 AND e.seq = (s.low + s.high + 1) / 2
    WHERE s.low < s.high
)
SELECT
    coalesce(e.balance_after, 0) AS balance,
    $3::timestamptz > app_now() AS is_future
FROM search AS s
LEFT JOIN entries AS e ON e.user_id = $1 AND e.currency = $2 AND e.seq = s.low
WHERE s.low = s.high
