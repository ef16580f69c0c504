-- name: read_system
SELECT shard, buckets FROM system

-- name: read_buckets
-- A bucket that is moving is still here until it is gone.
SELECT bucket FROM buckets WHERE state <> 'gone' ORDER BY bucket

-- name: count_rows
SELECT
    (SELECT count(*) FROM users) AS users,
    (SELECT count(*) FROM accounts) AS accounts,
    (SELECT count(*) FROM transfers) AS transfers,
    (SELECT count(*) FROM verdicts) AS verdicts,
    (SELECT count(*) FROM movements) AS movements,
    (SELECT count(*) FROM holds) AS holds,
    (SELECT count(*) FROM entries) AS entries,
    (SELECT count(*) FROM outbox) AS outbox,
    (SELECT count(*) FROM currencies) AS currencies,
    (SELECT count(*) FROM dead_letters) AS dead_letters,
    (SELECT count(*) FROM operator_acts) AS operator_acts

-- name: read_used_currencies
SELECT currency FROM accounts
UNION
SELECT currency FROM transfers
UNION
SELECT currency FROM movements
UNION
SELECT currency FROM holds
UNION
SELECT currency FROM verdicts

-- name: read_known_currencies
SELECT code FROM currencies

-- name: read_totals
-- From the rows that say what was meant to happen, not from entries: those are checked against both.
-- NaN would swallow the sum, and is a breach of its own.
SELECT
    currency,
    coalesce(sum(amount) FILTER (WHERE kind = 'deposit'), 0)::text AS deposited,
    coalesce(sum(amount) FILTER (WHERE kind = 'withdrawal'), 0)::text AS withdrawn,
    coalesce(sum(amount) FILTER (WHERE kind = 'balance'), 0)::text AS in_wallets,
    coalesce(sum(amount) FILTER (WHERE kind = 'held'), 0)::text AS held
FROM (
    SELECT currency, kind, amount FROM movements WHERE status = 'completed'
    UNION ALL
    SELECT currency, 'balance', balance FROM accounts
    UNION ALL
    SELECT currency, 'held', held FROM accounts
) AS part
WHERE amount <> 'NaN'
GROUP BY currency

-- name: count_transfers
SELECT status, count(*) AS transfers FROM transfers GROUP BY status

-- name: read_oldest_open
SELECT id, status, created_at
FROM transfers
WHERE status IN ('held', 'debited')
ORDER BY created_at, id
LIMIT 1

-- name: count_open_dead_letters
SELECT count(*) FROM dead_letters WHERE status = 'open'

-- name: read_fingerprint
-- Equal at two times, nothing has changed between them: every change raises one of these numbers
-- for good, but for the end of an open transfer, and without new transfers those only get fewer.
SELECT concat_ws(' ',
    (SELECT count(*) FROM entries),
    (SELECT coalesce(sum(version), 0) FROM accounts),
    (SELECT count(*) FROM accounts),
    (SELECT count(*) FROM movements),
    (SELECT count(*) FROM holds),
    (SELECT count(*) FROM verdicts),
    (SELECT count(*) FROM transfers),
    (SELECT count(*) FROM transfers WHERE status IN ('held', 'debited')))
