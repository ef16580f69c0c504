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

-- name: read_open
SELECT id::text, status FROM transfers WHERE status IN ('held', 'debited') ORDER BY id LIMIT $1

-- name: read_held
SELECT user_id::text, currency, held::text FROM accounts WHERE held <> 0 LIMIT $1
