-- name: hold_shape
-- says: A hold's status is legal, and its amounts, payee, reason and end are as it implies.
-- examines: holds
-- The columns that must be there are never NULL, so no condition is ever unknown.
SELECT
    ARRAY[id::text] AS ids,
    format('%s of %s, captured %s, payee %s, reason %s, ended %s',
        status, amount, captured, payee_id, reason, ended_at) AS detail
FROM holds
WHERE status NOT IN ('open', 'captured', 'voided', 'expired', 'rejected')
    OR amount <= 0 OR amount = 'NaN' OR captured < 0 OR captured > amount OR captured = 'NaN'
    OR (payee_id IS NULL AND status <> 'rejected')
    OR coalesce(payee_id = payer_id, false)
    OR (status = 'open') <> (ended_at IS NULL)
    OR (status = 'rejected') <> (reason IS NOT NULL)
    OR (status = 'captured' AND captured = 0)
    OR (status = 'rejected' AND captured <> 0)
    OR (status IN ('open', 'voided', 'expired') AND captured = amount)

-- name: hold_captures
-- says: What is captured of a hold is what its captures come to, the returned ones too, and so many.
-- examines: holds transfers
WITH taken AS (
    SELECT hold_id, sum(amount) AS amount, count(*) AS count
    FROM transfers
    WHERE hold_id IS NOT NULL AND status <> 'rejected'
    GROUP BY hold_id
)
SELECT
    ARRAY[h.id::text] AS ids,
    format('captured %s by %s, its captures: %s by %s',
        h.captured, h.capture_count, coalesce(t.amount, 0), coalesce(t.count, 0)) AS detail
FROM holds AS h
LEFT JOIN taken AS t ON t.hold_id = h.id
WHERE h.captured <> coalesce(t.amount, 0) OR h.capture_count <> coalesce(t.count, 0)

-- name: capture_of_hold
-- says: A capture has its hold, of the same payer, payee and currency, and counts on its day; it is never held.
-- examines: transfers holds
SELECT
    ARRAY[t.id::text, t.hold_id::text] AS ids,
    CASE
        WHEN h.id IS NULL THEN 'capture of a hold that is not here'
        ELSE format('%s capture in %s from %s to %s on %s, the hold is %s in %s from %s to %s of %s',
            t.status, t.currency, t.payer_id, t.payee_id, t.spent_on,
            h.status, h.currency, h.payer_id, h.payee_id, h.created_at)
    END AS detail
FROM transfers AS t
LEFT JOIN holds AS h ON h.id = t.hold_id
WHERE t.hold_id IS NOT NULL
    AND (
        h.id IS NULL
        OR (t.payer_id, t.payee_id, t.currency, t.spent_on)
            IS DISTINCT FROM (
                h.payer_id, h.payee_id, h.currency, (h.created_at AT TIME ZONE 'UTC')::date)
        OR t.status IN ('held', 'cancelled')
        OR h.status = 'rejected')

-- name: hold_reason
-- says: A hold is rejected for a reason that a try can have.
-- examines: holds
SELECT ARRAY[id::text] AS ids, format('%s because of %s', status, reason) AS detail
FROM holds
WHERE reason NOT IN (
        'insufficient_funds', 'limit_exceeded', 'unknown_payee', 'payee_closed', 'payer_frozen',
        'payer_closed')
    OR (payee_id IS NULL
        AND (reason IN ('unknown_payee', 'payer_frozen', 'payer_closed')) IS NOT TRUE)

-- name: hold_times
-- says: A hold is created, captured and ended in this order, and has not expired before its time.
-- examines: holds transfers
-- A capture that was refused is none.
WITH capture AS (
    SELECT hold_id, min(created_at) AS first, max(created_at) AS last
    FROM transfers
    WHERE hold_id IS NOT NULL AND status <> 'rejected'
    GROUP BY hold_id
)
SELECT
    ARRAY[h.id::text] AS ids,
    format('%s: created %s, captured from %s to %s, ended %s, expiry %s',
        h.status, h.created_at, c.first, c.last, h.ended_at, h.expires_at) AS detail
FROM holds AS h
LEFT JOIN capture AS c ON c.hold_id = h.id
WHERE h.ended_at < h.created_at
    OR c.first < h.created_at
    OR c.last > h.ended_at
    OR (h.status = 'rejected' AND h.ended_at <> h.created_at)
    OR (h.status = 'expired' AND h.ended_at < h.expires_at)
