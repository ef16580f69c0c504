-- name: list_entries
SELECT
    seq, currency, amount, balance_after, kind, transfer_id, counterparty_id, at, hash, prev_hash
FROM entries
WHERE user_id = $1
    AND ($2::text IS NULL OR currency = $2)
    AND ($3::text IS NULL OR kind = $3)
    AND ($4::timestamptz IS NULL OR at >= $4)
    AND ($5::timestamptz IS NULL OR at < $5)
    AND ($6::timestamptz IS NULL OR (at, currency, seq) < ($6, $7::text, $8::bigint))
ORDER BY at DESC, currency DESC, seq DESC
LIMIT $9

-- name: list_sent
-- Every time is after that one: the index is only for those that say so.
SELECT
    id, payer_id, payee_id, currency, amount, status, reason, caller, idempotency_key, fingerprint,
    metadata, traceparent, attempts, next_attempt_at, created_at, expires_at, debited_at, ended_at,
    hold_id, refund_of, spent_on
FROM transfers
WHERE payer_id = $1
    AND created_at > '-infinity'
    AND ($2::text IS NULL OR status = $2)
    AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
ORDER BY created_at DESC, id DESC
LIMIT $5

-- name: list_holds
SELECT
    id, payer_id, payee_id, currency, amount, captured, capture_count, status, reason, caller,
    idempotency_key, fingerprint, metadata, traceparent, created_at, expires_at, ended_at
FROM holds
WHERE payer_id = $1
    AND status <> 'rejected'
    AND ($2::text IS NULL OR status = $2)
    AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
ORDER BY created_at DESC, id DESC
LIMIT $5

-- name: list_received
SELECT transfer_id, payer_id, payee_id, currency, amount, verdict, reason, created_at, refund_of
FROM verdicts
WHERE payee_id = $1
    AND ($2::text IS NULL OR verdict = $2)
    AND ($3::timestamptz IS NULL OR (created_at, transfer_id) < ($3, $4::uuid))
ORDER BY created_at DESC, transfer_id DESC
LIMIT $5
