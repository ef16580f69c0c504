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
-- says: What is held on an account is the sum of its held transfers.
-- examines: accounts transfers
WITH reserved AS (
    SELECT payer_id, currency, sum(amount) AS amount
    FROM transfers
    WHERE status = 'held'
    GROUP BY payer_id, currency
)
SELECT
    ARRAY[coalesce(a.user_id, r.payer_id)::text, coalesce(a.currency, r.currency)] AS ids,
    format('held %s, held transfers sum up to %s', coalesce(a.held, 0), coalesce(r.amount, 0))
        AS detail
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
