-- name: lock_trail
-- One act of a bucket at a time; steps only read this row.
SELECT bucket FROM buckets WHERE bucket = $1 FOR NO KEY UPDATE

-- name: read_trail_end
SELECT clock.now, coalesce(last.seq, 0) AS seq, last.hash
FROM (SELECT app_now() AS now) AS clock
LEFT JOIN LATERAL (
    SELECT seq, hash FROM operator_acts WHERE bucket = $1 ORDER BY seq DESC LIMIT 1
) AS last ON true

-- name: insert_act
INSERT INTO operator_acts
    (bucket, seq, act, target_id, done_by, reason, detail, at, prev_hash, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: read_act
SELECT bucket, seq, act, target_id, done_by, reason, detail, at
FROM operator_acts
WHERE bucket = $1 AND seq = $2

-- name: list_acts
SELECT bucket, seq, act, target_id, done_by, reason, detail, at
FROM operator_acts
WHERE $2::uuid IS NULL OR target_id = $2
ORDER BY at DESC, bucket DESC, seq DESC
LIMIT $1
