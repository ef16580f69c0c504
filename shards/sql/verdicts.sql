-- name: read_verdicts
SELECT transfer_id, payer_id, payee_id, currency, amount, verdict, reason, created_at, refund_of
FROM verdicts
WHERE transfer_id = ANY($1::uuid[])

-- name: insert_verdicts
INSERT INTO verdicts
    (transfer_id, bucket, payer_id, payee_id, currency, amount, verdict, reason, created_at,
     refund_of)
SELECT * FROM unnest(
    $1::uuid[], $2::integer[], $3::uuid[], $4::uuid[], $5::text[], $6::numeric[], $7::text[],
    $8::text[], $9::timestamptz[], $10::uuid[])
ON CONFLICT (transfer_id) DO NOTHING
RETURNING 1
