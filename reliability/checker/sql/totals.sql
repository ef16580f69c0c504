-- name: sum_accounts
SELECT currency, sum(balance)::text AS balance, sum(held)::text AS held
FROM accounts
WHERE balance <> 'NaN' AND held <> 'NaN'
GROUP BY currency

-- name: sum_entries
-- The other side of every entry: the shard's account of the outside, and of what is on its way.
SELECT currency, contra, sum(amount)::text AS amount
FROM entries
WHERE amount <> 'NaN'
GROUP BY currency, contra

-- name: read_debited
SELECT id, currency, amount::text FROM transfers WHERE status = 'debited' AND amount <> 'NaN'

-- name: find_credited
SELECT transfer_id AS id FROM verdicts WHERE verdict = 'credited' AND transfer_id = ANY($1::uuid[])

-- name: sum_reserved
-- What held transfers and open holds keep from being spent.
SELECT currency, sum(amount)::text AS amount
FROM (
    SELECT currency, amount FROM transfers WHERE status = 'held'
    UNION ALL
    SELECT currency, amount - captured FROM holds WHERE status = 'open'
) AS each
WHERE amount <> 'NaN'
GROUP BY currency

-- name: read_open
-- Transfers, and holds that should have been ended a while ago.
SELECT id::text, status FROM transfers WHERE status IN ('held', 'debited')
UNION ALL
SELECT id::text, status FROM holds WHERE status = 'open' AND expires_at < app_now() - interval '60 s'
ORDER BY id
LIMIT $1

-- name: read_held
-- What is held beyond what is left of open holds.
SELECT a.user_id::text, a.currency, a.held::text, coalesce(h.amount, 0)::text AS reserved
FROM accounts AS a
LEFT JOIN (
    SELECT payer_id, currency, sum(amount - captured) AS amount
    FROM holds
    WHERE status = 'open'
    GROUP BY payer_id, currency
) AS h ON h.payer_id = a.user_id AND h.currency = a.currency
WHERE a.held <> coalesce(h.amount, 0)
LIMIT $1
