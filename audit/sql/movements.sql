-- name: movement_shape
-- says: A movement is a completed or rejected deposit or withdrawal of a positive amount.
-- examines: movements
SELECT
    ARRAY[id::text] AS ids,
    format('%s %s of %s, reason %s', status, kind, amount, reason) AS detail
FROM movements
WHERE kind NOT IN ('deposit', 'withdrawal')
    OR status NOT IN ('completed', 'rejected')
    OR (status = 'rejected') <> (reason IS NOT NULL)
    OR amount <= 0 OR amount = 'NaN'

-- name: movement_entries
-- says: A completed movement has exactly one entry, a rejected one has none.
-- examines: movements entries
WITH posted AS (
    SELECT movement_id, count(*) AS entries
    FROM entries
    WHERE movement_id IS NOT NULL
    GROUP BY movement_id
)
SELECT
    ARRAY[m.id::text] AS ids,
    format('%s %s with %s entries', m.status, m.kind, coalesce(p.entries, 0)) AS detail
FROM movements AS m
LEFT JOIN posted AS p ON p.movement_id = m.id
WHERE coalesce(p.entries, 0) <> CASE WHEN m.status = 'completed' THEN 1 ELSE 0 END

-- name: entry_of_movement
-- says: An entry of a deposit or withdrawal equals its movement, in amount, balances and hash too.
-- examines: entries movements
SELECT
    ARRAY[e.movement_id::text, e.user_id::text, e.currency, e.seq::text] AS ids,
    CASE
        WHEN m.id IS NULL THEN format('%s of a movement that is not here', e.kind)
        ELSE format('%s of %s %s leaving %s, the movement is a %s of %s %s from %s to %s%s',
            e.kind, e.amount, e.currency, e.balance_after,
            m.kind, m.amount, m.currency, m.balance_before, m.balance_after,
            CASE WHEN e.hash IS DISTINCT FROM m.hash THEN ', with another hash' END)
    END AS detail
FROM entries AS e
LEFT JOIN movements AS m ON m.id = e.movement_id
WHERE e.kind IN ('deposit', 'withdrawal')
    AND (
        m.id IS NULL
        OR (e.user_id, e.kind, e.currency, e.amount, e.balance_after, e.hash)
            IS DISTINCT FROM (
                m.user_id, m.kind, m.currency,
                CASE WHEN m.kind = 'deposit' THEN m.amount ELSE -m.amount END,
                m.balance_after, m.hash)
        OR e.balance_after - e.amount IS DISTINCT FROM m.balance_before)

-- name: movement_reason
-- says: Only a withdrawal is rejected, for a reason of the payer's.
-- examines: movements
SELECT
    ARRAY[id::text] AS ids,
    format('%s rejected because of %s', kind, reason) AS detail
FROM movements
WHERE status = 'rejected' AND (
    kind <> 'withdrawal'
    OR reason NOT IN ('insufficient_funds', 'limit_exceeded', 'payer_frozen', 'payer_closed'))
