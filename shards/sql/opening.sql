-- One read per step: after its locks, or before a write that makes sure of what was read. Each
-- returns a row at least: the clock is read here, once for the whole step.
-- What is LATERAL is looked up row by row, and OFFSET keeps it so: joined, a table that was seen to be
-- empty would be read from end to end for each row, until it is analysed again.

-- name: open_keyed
-- A row per request. Open transfers are counted for those that say so, and so far as $6 and no
-- further.
SELECT
    clock.now,
    asked.wallet_id, asked.caller, asked.key, asked.currency,
    t.id AS transfer_id, t.fingerprint AS transfer_fingerprint,
    m.id AS movement_id, m.fingerprint AS movement_fingerprint,
    h.id AS hold_id, h.fingerprint AS hold_fingerprint,
    counted.open,
    u.id AS user_id, u.status AS user_status, u.event_sequence,
    a.balance, a.held, a.seq, a.head_hash, a.last_at, a.version,
    a.daily_limit, a.spent, a.spent_day
FROM (SELECT app_now() AS now OFFSET 0) AS clock
LEFT JOIN (
    unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::boolean[])
        AS asked (wallet_id, caller, key, currency, counts)
    LEFT JOIN LATERAL (
        SELECT count(*) AS open
        FROM (
            SELECT FROM transfers AS t
            WHERE asked.counts
                AND t.payer_id = asked.wallet_id
                AND t.next_attempt_at IS NOT NULL
            LIMIT $6
        ) AS bounded
    ) AS counted ON true
    LEFT JOIN users AS u ON u.id = asked.wallet_id
    LEFT JOIN LATERAL (
        SELECT id, fingerprint
        FROM transfers
        WHERE transfers.payer_id = asked.wallet_id
            AND transfers.caller = asked.caller
            AND transfers.idempotency_key = asked.key
        OFFSET 0
    ) AS t ON true
    LEFT JOIN LATERAL (
        SELECT id, fingerprint
        FROM movements
        WHERE movements.user_id = asked.wallet_id
            AND movements.caller = asked.caller
            AND movements.idempotency_key = asked.key
        OFFSET 0
    ) AS m ON true
    LEFT JOIN LATERAL (
        SELECT id, fingerprint
        FROM holds
        WHERE holds.payer_id = asked.wallet_id
            AND holds.caller = asked.caller
            AND holds.idempotency_key = asked.key
        OFFSET 0
    ) AS h ON true
    LEFT JOIN accounts AS a ON a.user_id = asked.wallet_id AND a.currency = asked.currency
) ON true

-- name: open_transfers
SELECT
    clock.now,
    t.id, t.payer_id, t.payee_id, t.currency, t.amount, t.status, t.reason, t.caller,
    t.idempotency_key, t.fingerprint, t.metadata, t.traceparent, t.attempts, t.next_attempt_at,
    t.created_at, t.expires_at, t.debited_at, t.ended_at, t.hold_id, t.refund_of, t.spent_on,
    u.id AS user_id, u.status AS user_status, u.event_sequence,
    a.balance, a.held, a.seq, a.head_hash, a.last_at, a.version,
    a.daily_limit, a.spent, a.spent_day
FROM (SELECT app_now() AS now OFFSET 0) AS clock
LEFT JOIN (
    transfers AS t
    JOIN users AS u ON u.id = t.payer_id
    LEFT JOIN accounts AS a ON a.user_id = t.payer_id AND a.currency = t.currency
) ON t.id = ANY($1::uuid[])

-- name: open_verdicts
SELECT
    clock.now,
    asked.payee_id AS asked_payee_id, asked.currency AS asked_currency,
    v.transfer_id, v.payer_id, v.payee_id, v.currency, v.amount, v.verdict, v.reason, v.created_at,
    v.refund_of,
    u.id AS user_id, u.status AS user_status, u.event_sequence,
    a.balance, a.held, a.seq, a.head_hash, a.last_at, a.version,
    a.daily_limit, a.spent, a.spent_day
FROM (SELECT app_now() AS now OFFSET 0) AS clock
LEFT JOIN (
    unnest($1::uuid[], $2::uuid[], $3::text[]) AS asked (transfer_id, payee_id, currency)
    LEFT JOIN users AS u ON u.id = asked.payee_id
    LEFT JOIN LATERAL (
        SELECT * FROM verdicts WHERE verdicts.transfer_id = asked.transfer_id OFFSET 0
    ) AS v ON true
    LEFT JOIN accounts AS a ON a.user_id = asked.payee_id AND a.currency = asked.currency
) ON true

-- name: open_holds
SELECT
    clock.now,
    h.id, h.payer_id, h.payee_id, h.currency, h.amount, h.captured, h.capture_count, h.status,
    h.reason, h.caller, h.idempotency_key, h.fingerprint, h.metadata, h.traceparent, h.created_at,
    h.expires_at, h.ended_at,
    u.id AS user_id, u.status AS user_status, u.event_sequence,
    a.balance, a.held, a.seq, a.head_hash, a.last_at, a.version,
    a.daily_limit, a.spent, a.spent_day
FROM (SELECT app_now() AS now OFFSET 0) AS clock
LEFT JOIN (
    holds AS h
    JOIN users AS u ON u.id = h.payer_id
    LEFT JOIN accounts AS a ON a.user_id = h.payer_id AND a.currency = h.currency
) ON h.id = ANY($1::uuid[])
