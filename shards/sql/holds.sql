-- name: read_holds
SELECT
    id, payer_id, payee_id, currency, amount, captured, capture_count, status, reason, caller,
    idempotency_key, fingerprint, metadata, traceparent, created_at, expires_at, ended_at
FROM holds
WHERE id = ANY($1::uuid[])

-- name: insert_holds
INSERT INTO holds
    (id, bucket, payer_id, payee_id, currency, amount, captured, status, reason, caller,
     idempotency_key, fingerprint, metadata, traceparent, created_at, expires_at, ended_at)
SELECT
    id, bucket, payer_id, payee_id, currency, amount, 0, status, reason, caller, idempotency_key,
    fingerprint, metadata::jsonb, traceparent, created_at, expires_at, ended_at
FROM unnest(
    $1::uuid[], $2::integer[], $3::uuid[], $4::uuid[], $5::text[], $6::numeric[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::bytea[], $12::text[], $13::text[],
    $14::timestamptz[], $15::timestamptz[], $16::timestamptz[])
    AS new (id, bucket, payer_id, payee_id, currency, amount, status, reason, caller,
            idempotency_key, fingerprint, metadata, traceparent, created_at, expires_at, ended_at)
RETURNING 1

-- name: change_holds
UPDATE holds SET
    captured = new.captured,
    capture_count = new.capture_count,
    status = new.status,
    ended_at = new.ended_at
FROM unnest(
    $1::uuid[], $2::text[], $3::numeric[], $4::text[], $5::numeric[], $6::integer[],
    $7::timestamptz[])
    AS new (id, status_before, captured_before, status, captured, capture_count, ended_at)
WHERE holds.id = new.id
    AND holds.status = new.status_before
    AND holds.captured = new.captured_before
RETURNING 1

-- name: count_open_holds
-- Of each payer so many and no more.
SELECT asked.payer_id, counted.open
FROM unnest($1::uuid[]) AS asked (payer_id)
CROSS JOIN LATERAL (
    SELECT count(*) AS open
    FROM (
        SELECT FROM holds
        WHERE holds.payer_id = asked.payer_id AND holds.ended_at IS NULL
        LIMIT $2
    ) AS bounded
) AS counted

-- name: find_due_holds
-- As in `list_acts`, the position is a condition of the index also where none is given.
SELECT due.id, due.payer_id, due.expires_at
FROM (SELECT app_now() AS now OFFSET 0) AS clock
CROSS JOIN LATERAL (
    SELECT id, payer_id, expires_at
    FROM holds
    WHERE bucket = ANY($1::integer[]) AND status = 'open' AND expires_at <= clock.now
        AND (expires_at, id) > (
            coalesce($3::timestamptz, '-infinity'),
            coalesce($4::uuid, '00000000-0000-0000-0000-000000000000'))
    ORDER BY expires_at, id
    LIMIT $2
) AS due
