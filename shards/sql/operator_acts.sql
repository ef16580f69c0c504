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
-- The position is a condition of the index also where none is given: of a long trail, the pages far
-- down cost as little as the first.
SELECT bucket, seq, act, target_id, done_by, reason, detail, at, prev_hash, hash
FROM operator_acts
WHERE (at, bucket, seq) < (
    coalesce($2::timestamptz, 'infinity'), coalesce($3::integer, 0), coalesce($4::bigint, 0))
ORDER BY at DESC, bucket DESC, seq DESC
LIMIT $1

-- name: list_acts_on
-- OFFSET keeps the planner from looking for the row's acts among all by time.
SELECT bucket, seq, act, target_id, done_by, reason, detail, at, prev_hash, hash
FROM (SELECT * FROM operator_acts WHERE target_id = $5 OFFSET 0) AS on_target
WHERE (at, bucket, seq) < (
    coalesce($2::timestamptz, 'infinity'), coalesce($3::integer, 0), coalesce($4::bigint, 0))
ORDER BY at DESC, bucket DESC, seq DESC
LIMIT $1
