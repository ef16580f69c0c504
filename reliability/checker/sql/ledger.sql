-- name: read_place
SELECT
    (SELECT shard FROM system) AS shard,
    (SELECT buckets FROM system) AS buckets,
    ARRAY(SELECT bucket FROM buckets WHERE state <> 'gone' ORDER BY bucket) AS owned

-- name: stream_rows
-- Everything that a request with a key can have left. The day is the one that its spending counts on.
SELECT
    id::text,
    CASE
        WHEN hold_id IS NOT NULL THEN 'capture'
        WHEN refund_of IS NOT NULL THEN 'refund'
        ELSE 'transfer'
    END AS kind,
    payer_id::text AS user_id, payee_id::text, currency, amount::text, caller, idempotency_key,
    status, reason, coalesce(hold_id, refund_of)::text AS part_of, NULL AS captured,
    (created_at AT TIME ZONE 'UTC')::date AS day
FROM transfers
UNION ALL
SELECT
    id::text, 'hold', payer_id::text, payee_id::text, currency, amount::text, caller,
    idempotency_key, status, reason, NULL, captured::text, (created_at AT TIME ZONE 'UTC')::date
FROM holds
UNION ALL
SELECT
    id::text, kind, user_id::text, NULL, currency, amount::text, caller, idempotency_key, status,
    reason, NULL, NULL, (created_at AT TIME ZONE 'UTC')::date
FROM movements

-- name: stream_users
SELECT id::text, email FROM users

-- name: stream_accounts
SELECT
    user_id::text, currency, balance::text, held::text, seq, version, spent::text,
    daily_limit::text
FROM accounts

-- name: stream_events
-- A user's events are numbered under its lock, so their order is the order of its commits, and the
-- transaction that wrote an event is in its xmin: an account's version counts transactions.
-- Each comes with the entry that it must have made.
SELECT
    o.user_id::text, o.sequence, o.xmin::text AS transaction, o.type, o.source, o.currency,
    o.amount, o.hold, o.refund_of, o.captured, o.reason, o.daily,
    e.seq AS entry_seq, e.amount::text AS entry_amount, e.balance_after::text
FROM (
    SELECT
        user_id, sequence, xmin, type,
        coalesce(data ->> 'transfer_id', data ->> 'movement_id', data ->> 'hold_id', '') AS source,
        coalesce(data ->> 'currency', '') AS currency,
        CASE WHEN data ->> 'amount_minor' ~ '^[0-9]+$' THEN data ->> 'amount_minor' ELSE '0' END
            AS amount,
        data ->> 'hold_id' AS hold, data ->> 'refund_of' AS refund_of,
        CASE WHEN data ->> 'captured_minor' ~ '^[0-9]+$' THEN data ->> 'captured_minor' ELSE '0' END
            AS captured,
        data ->> 'reason' AS reason,
        CASE WHEN data ->> 'daily_minor' ~ '^[0-9]+$' THEN data ->> 'daily_minor' END AS daily,
        CASE type
            WHEN 'transfer.debited' THEN 'transfer_out'
            WHEN 'transfer.refunded' THEN 'transfer_return'
            WHEN 'transfer.credited' THEN 'transfer_in'
            WHEN 'movement.deposited' THEN 'deposit'
            WHEN 'movement.withdrawn' THEN 'withdrawal'
        END AS leg
    FROM outbox
) AS o
LEFT JOIN entries AS e
    ON e.user_id = o.user_id
    AND e.kind = o.leg
    AND coalesce(e.transfer_id, e.movement_id)::text = o.source
ORDER BY o.user_id, o.sequence

-- name: sum_credits
-- What payees got from payers, as their entries have it.
SELECT user_id::text, counterparty_id::text, currency, sum(amount)::text AS amount
FROM entries
WHERE kind = 'transfer_in' AND user_id = ANY($1::uuid[])
GROUP BY user_id, counterparty_id, currency

-- name: sum_legs
-- What left, arrived and came back with each of these transfers, as the entries here have it.
SELECT transfer_id::text, kind, sum(amount)::text AS amount
FROM entries
WHERE transfer_id = ANY($1::uuid[]) AND amount <> 'NaN'
GROUP BY transfer_id, kind
