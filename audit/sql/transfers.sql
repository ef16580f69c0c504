-- name: transfer_shape
-- says: A transfer's status is legal, and its amount, payee, reason and times are as it implies.
-- examines: transfers
-- The columns that must be there are never NULL, so no condition is ever unknown.
SELECT
    ARRAY[id::text] AS ids,
    format('%s of %s, payee %s, reason %s, next attempt %s, debited %s, ended %s',
        status, amount, payee_id, reason, next_attempt_at, debited_at, ended_at) AS detail
FROM transfers
WHERE status NOT IN ('held', 'debited', 'completed', 'cancelled', 'refunded', 'rejected')
    OR amount <= 0 OR amount = 'NaN'
    OR (payee_id IS NULL AND status <> 'rejected')
    OR coalesce(payee_id = payer_id, false)
    OR (status IN ('held', 'debited')) <> (next_attempt_at IS NOT NULL)
    OR (status IN ('held', 'debited')) <> (ended_at IS NULL)
    OR (status IN ('debited', 'completed', 'refunded')) <> (debited_at IS NOT NULL)
    OR (status IN ('cancelled', 'refunded', 'rejected')) <> (reason IS NOT NULL)
    OR (hold_id IS NOT NULL AND refund_of IS NOT NULL)
    OR (hold_id IS NOT NULL) <> (spent_on IS NOT NULL)

-- name: transfer_entries
-- says: A transfer's status has exactly its entries: one debit from `debited` on, a return if refunded.
-- examines: transfers entries
WITH leg AS (
    SELECT
        transfer_id,
        count(*) FILTER (WHERE kind = 'transfer_out') AS debits,
        count(*) FILTER (WHERE kind = 'transfer_return') AS returns
    FROM entries
    WHERE kind IN ('transfer_out', 'transfer_return')
    GROUP BY transfer_id
)
SELECT
    ARRAY[t.id::text] AS ids,
    format('%s with %s debits and %s returns',
        t.status, coalesce(leg.debits, 0), coalesce(leg.returns, 0)) AS detail
FROM transfers AS t
LEFT JOIN leg ON leg.transfer_id = t.id
WHERE coalesce(leg.debits, 0)
        <> CASE WHEN t.status IN ('debited', 'completed', 'refunded') THEN 1 ELSE 0 END
    OR coalesce(leg.returns, 0) <> CASE WHEN t.status = 'refunded' THEN 1 ELSE 0 END

-- name: debit_of_transfer
-- says: A debit or return has its transfer: same payer, payee and currency, the amount with its sign.
-- examines: entries transfers
SELECT
    ARRAY[e.transfer_id::text, e.user_id::text, e.currency, e.seq::text] AS ids,
    CASE
        WHEN t.id IS NULL THEN format('%s of a transfer that is not here', e.kind)
        ELSE format('%s of %s %s by %s with %s, the transfer is %s %s from %s to %s',
            e.kind, e.amount, e.currency, e.user_id, e.counterparty_id,
            t.amount, t.currency, t.payer_id, t.payee_id)
    END AS detail
FROM entries AS e
LEFT JOIN transfers AS t ON t.id = e.transfer_id
WHERE e.kind IN ('transfer_out', 'transfer_return')
    AND (
        t.id IS NULL
        OR (e.user_id, e.counterparty_id, e.currency, e.amount)
            IS DISTINCT FROM (
                t.payer_id, t.payee_id, t.currency,
                CASE WHEN e.kind = 'transfer_out' THEN -t.amount ELSE t.amount END))

-- name: transfer_reason
-- says: A transfer's reason is one that its status can have; without a payee, one known without it.
-- examines: transfers
SELECT
    ARRAY[id::text] AS ids,
    format('%s because of %s, payee %s', status, reason, payee_id) AS detail
FROM transfers
WHERE (reason IS NOT NULL AND reason <> ALL (CASE status
        WHEN 'cancelled' THEN
            ARRAY['cancelled_by_payer', 'expired', 'payer_frozen', 'payer_closed']
        WHEN 'refunded' THEN ARRAY['unknown_payee', 'payee_closed', 'balance_limit']
        WHEN 'rejected' THEN ARRAY[
            'insufficient_funds', 'limit_exceeded', 'unknown_payee', 'payee_closed',
            'payer_frozen', 'payer_closed']
        ELSE ARRAY[]::text[]
    END))
    OR (payee_id IS NULL
        AND (reason IN ('unknown_payee', 'payer_frozen', 'payer_closed')) IS NOT TRUE)

-- name: transfer_times
-- says: A transfer is created, debited and ended in this order, and has not expired before its time.
-- examines: transfers
SELECT
    ARRAY[id::text] AS ids,
    format('%s because of %s: created %s, debited %s, ended %s, expiry %s',
        status, reason, created_at, debited_at, ended_at, expires_at) AS detail
FROM transfers
WHERE debited_at < created_at
    OR ended_at < greatest(created_at, debited_at)
    OR (status = 'rejected' AND ended_at <> created_at)
    OR (status = 'cancelled' AND reason = 'expired' AND ended_at < expires_at)
