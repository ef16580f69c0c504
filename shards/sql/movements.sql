-- name: read_movements
SELECT
    id, user_id, kind, currency, amount, status, reason, caller, idempotency_key, fingerprint,
    metadata, balance_before, balance_after, hash, created_at
FROM movements
WHERE id = ANY($1::uuid[])

-- name: insert_movements
INSERT INTO movements
    (id, bucket, user_id, kind, currency, amount, status, reason, caller, idempotency_key,
     fingerprint, metadata, balance_before, balance_after, hash, created_at)
SELECT
    id, bucket, user_id, kind, currency, amount, status, reason, caller, idempotency_key,
    fingerprint, metadata::jsonb, balance_before, balance_after, hash, created_at
FROM unnest(
    $1::uuid[], $2::integer[], $3::uuid[], $4::text[], $5::text[], $6::numeric[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::bytea[], $12::text[], $13::numeric[], $14::numeric[],
    $15::bytea[], $16::timestamptz[])
    AS new (id, bucket, user_id, kind, currency, amount, status, reason, caller, idempotency_key,
            fingerprint, metadata, balance_before, balance_after, hash, created_at)
RETURNING 1
