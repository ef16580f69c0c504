-- name: account_balance
-- says: The balance of an account is the sum of its entries.
-- examines: accounts entries
WITH summed AS (
    SELECT user_id, currency, sum(amount) AS amount FROM entries GROUP BY user_id, currency
)
SELECT
    ARRAY[a.user_id::text, a.currency] AS ids,
    format('balance %s, its entries sum up to %s', a.balance, coalesce(s.amount, 0)) AS detail
FROM accounts AS a
LEFT JOIN summed AS s ON s.user_id = a.user_id AND s.currency = a.currency
WHERE a.balance <> coalesce(s.amount, 0)

-- name: account_head
-- says: An account's seq, balance, head hash and time are those that its last entry left.
-- examines: accounts entries
WITH head AS (
    SELECT DISTINCT ON (user_id, currency) user_id, currency, seq, balance_after, hash, at
    FROM entries
    ORDER BY user_id, currency, seq DESC
)
SELECT
    ARRAY[a.user_id::text, a.currency] AS ids,
    format('seq %s, balance %s, hash %s, at %s; its last entry has %s, %s, %s, %s',
        a.seq, a.balance, encode(a.head_hash, 'hex'), a.last_at,
        coalesce(h.seq, 0), coalesce(h.balance_after, 0), encode(h.hash, 'hex'), h.at) AS detail
FROM accounts AS a
LEFT JOIN head AS h ON h.user_id = a.user_id AND h.currency = a.currency
WHERE (a.seq, a.balance, a.head_hash, a.last_at)
    IS DISTINCT FROM (
        coalesce(h.seq, 0), coalesce(h.balance_after, 0),
        coalesce(h.hash, decode(repeat('00', 32), 'hex')), h.at)

-- name: account_held
-- says: What is held on an account is the sum of its held transfers and of what is left of its open holds.
-- examines: accounts transfers holds
WITH reserved AS (
    SELECT payer_id, currency, sum(amount) AS amount
    FROM (
        SELECT payer_id, currency, amount FROM transfers WHERE status = 'held'
        UNION ALL
        SELECT payer_id, currency, amount - captured FROM holds WHERE status = 'open'
    ) AS each
    GROUP BY payer_id, currency
)
SELECT
    ARRAY[coalesce(a.user_id, r.payer_id)::text, coalesce(a.currency, r.currency)] AS ids,
    format('held %s, held transfers and open holds sum up to %s',
        coalesce(a.held, 0), coalesce(r.amount, 0)) AS detail
FROM accounts AS a
FULL JOIN reserved AS r ON r.payer_id = a.user_id AND r.currency = a.currency
WHERE coalesce(a.held, 0) <> coalesce(r.amount, 0)

-- name: account_bounds
-- says: Nothing held is negative or more than the balance, and both are numbers.
-- examines: accounts
SELECT
    ARRAY[user_id::text, currency] AS ids,
    format('balance %s, held %s', balance, held) AS detail
FROM accounts
WHERE held < 0 OR held > balance OR balance = 'NaN' OR held = 'NaN'

-- name: account_owner
-- says: Every account is of a user that exists.
-- examines: accounts users
SELECT ARRAY[a.user_id::text, a.currency] AS ids, 'no such user' AS detail
FROM accounts AS a
LEFT JOIN users AS u ON u.id = a.user_id
WHERE u.id IS NULL

-- name: account_spent
-- says: What an account has spent on its last day of spending is what that day's rows come to; without one, it never spent.
-- examines: accounts transfers holds movements
-- A capture counts on the day of its hold, which counted whole while it was open. Days are of UTC.
WITH spending AS (
    SELECT
        payer_id AS user_id, currency, (created_at AT TIME ZONE 'UTC')::date AS day, amount
    FROM transfers
    WHERE status IN ('held', 'debited', 'completed') AND hold_id IS NULL
    UNION ALL
    SELECT user_id, currency, (created_at AT TIME ZONE 'UTC')::date, amount
    FROM movements
    WHERE kind = 'withdrawal' AND status = 'completed'
    UNION ALL
    SELECT
        payer_id, currency, (created_at AT TIME ZONE 'UTC')::date,
        CASE WHEN status = 'open' THEN amount ELSE captured END
    FROM holds
    WHERE status <> 'rejected'
    UNION ALL
    SELECT payer_id, currency, spent_on, -amount
    FROM transfers
    WHERE hold_id IS NOT NULL AND status = 'refunded'
),
summed AS (
    SELECT
        a.user_id, a.currency,
        coalesce(sum(s.amount) FILTER (WHERE s.day = a.spent_day), 0) AS amount,
        -- Of an account without such a day: of any.
        coalesce(
            sum(s.amount) FILTER (WHERE s.day > coalesce(a.spent_day, '-infinity')), 0
        ) AS later
    FROM accounts AS a
    LEFT JOIN spending AS s ON s.user_id = a.user_id AND s.currency = a.currency
    GROUP BY a.user_id, a.currency
)
SELECT
    ARRAY[a.user_id::text, a.currency] AS ids,
    format('spent %s on %s, its rows of that day come to %s, those of later days to %s',
        a.spent, coalesce(a.spent_day::text, 'no day'), s.amount, s.later) AS detail
FROM accounts AS a
JOIN summed AS s ON s.user_id = a.user_id AND s.currency = a.currency
WHERE a.spent <> s.amount OR s.later <> 0

-- name: account_limit
-- says: An account's spending limit is the one that was told last, and each was set by an act in the trail.
-- examines: accounts outbox operator_acts
-- Events may be deleted from the front once they are published.
WITH told AS (
    SELECT
        user_id, data ->> 'currency' AS currency, sequence,
        (data ->> 'daily_minor')::numeric AS daily,
        (data ->> 'act_seq')::bigint AS act_seq,
        row_number() OVER (
            PARTITION BY user_id, data ->> 'currency' ORDER BY sequence DESC) AS age
    FROM outbox
    WHERE type = 'account.limit_set'
)
SELECT
    ARRAY[t.user_id::text, t.currency] AS ids,
    format('limit %s, told last %s', a.daily_limit, t.daily) AS detail
FROM told AS t
LEFT JOIN accounts AS a ON a.user_id = t.user_id AND a.currency = t.currency
WHERE t.age = 1 AND a.daily_limit IS DISTINCT FROM t.daily
UNION ALL
SELECT
    ARRAY[t.user_id::text, t.currency], format('event %s has no act %s', t.sequence, t.act_seq)
FROM told AS t
LEFT JOIN operator_acts AS o
    ON o.target_id = t.user_id AND o.seq = t.act_seq AND o.act = 'account.set_limit'
WHERE o.target_id IS NULL
UNION ALL
SELECT ARRAY[a.user_id::text, a.currency], format('limit %s, and no act set one', a.daily_limit)
FROM accounts AS a
LEFT JOIN operator_acts AS o
    ON o.target_id = a.user_id
    AND o.act = 'account.set_limit'
    AND starts_with(o.detail, a.currency || ': ')
WHERE a.daily_limit IS NOT NULL AND o.target_id IS NULL
