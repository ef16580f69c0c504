-- name: insert_dead_letters
INSERT INTO dead_letters
    (id, bucket, topic, partition, position, key, value, value_sha256, headers, reason, detail,
     transfer_id, created_at)
SELECT
    id, bucket, topic, partition, position, key, value, value_sha256, headers::jsonb, reason,
    detail, transfer_id, app_now()
FROM unnest(
    $1::uuid[], $2::integer[], $3::text[], $4::integer[], $5::bigint[], $6::bytea[], $7::bytea[],
    $8::bytea[], $9::text[], $10::text[], $11::text[], $12::uuid[])
    AS new (id, bucket, topic, partition, position, key, value, value_sha256, headers, reason,
            detail, transfer_id)
ON CONFLICT (topic, partition, position, value_sha256) DO NOTHING

-- name: list_dead_letters
SELECT
    id, topic, partition, position, value, reason, detail, transfer_id, status, created_at
FROM dead_letters
WHERE status = 'open'
ORDER BY created_at DESC, id DESC
LIMIT $1
