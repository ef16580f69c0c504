-- name: insert_dead_letters
-- What comes again is counted where it was kept first: at the same place, whatever was decided
-- since, or as an open letter of the same transfer with the same bytes and reason, since redrive
-- sends those anew, at new places, for as long as the transfer is open.
WITH came AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::integer[], $3::text[], $4::integer[], $5::bigint[], $6::bytea[],
        $7::bytea[], $8::bytea[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
        $14::text[], $15::uuid[], $16::integer[])
        AS new (id, bucket, topic, partition, position, key, value, value_sha256, headers,
                reason_class, reason, detail, step, trace_id, transfer_id, attempts)
),
clock AS MATERIALIZED (SELECT app_now() AS now),
repeats AS (
    SELECT DISTINCT ON (came.id) came.id, came.attempts, kept.id AS kept_id
    FROM came
    JOIN dead_letters AS kept
        ON kept.status = 'open'
        AND kept.transfer_id = came.transfer_id
        AND kept.topic = came.topic
        AND kept.value_sha256 = came.value_sha256
        AND kept.reason = came.reason
    ORDER BY came.id, kept.created_at, kept.id
),
counted AS (
    UPDATE dead_letters AS kept SET
        attempts = kept.attempts + repeats.attempts,
        last_at = clock.now
    FROM repeats, clock
    WHERE kept.id = repeats.kept_id
)
INSERT INTO dead_letters
    (id, bucket, topic, partition, position, key, value, value_sha256, headers, reason_class,
     reason, detail, step, trace_id, transfer_id, attempts, created_at, last_at)
SELECT
    id, bucket, topic, partition, position, key, value, value_sha256, headers::jsonb, reason_class,
    reason, detail, step, trace_id, transfer_id, attempts, clock.now, clock.now
FROM came, clock
WHERE NOT EXISTS (SELECT FROM repeats WHERE repeats.id = came.id)
ON CONFLICT (topic, partition, position, value_sha256) DO UPDATE SET
    attempts = dead_letters.attempts + excluded.attempts,
    last_at = excluded.last_at

-- name: list_dead_letters
SELECT
    id, bucket, topic, partition, position, length(value) AS value_bytes, reason_class, reason,
    detail, step, trace_id, transfer_id, attempts, status, created_at,
    coalesce(last_at, created_at) AS last_at
FROM dead_letters
WHERE ($2::text IS NULL OR status = $2)
    AND ($3::text IS NULL OR reason = $3 OR reason_class = $3)
    AND ($4::text IS NULL OR step = $4)
ORDER BY created_at DESC, id DESC
LIMIT $1

-- name: read_dead_letter
SELECT
    id, bucket, topic, partition, position, length(value) AS value_bytes, reason_class, reason,
    detail, step, trace_id, transfer_id, attempts, status, created_at,
    coalesce(last_at, created_at) AS last_at,
    key, value, value_sha256, headers::text AS headers, act_seq
FROM dead_letters
WHERE id = $1

-- name: lock_dead_letter
SELECT status, act_seq FROM dead_letters WHERE id = $1 FOR NO KEY UPDATE

-- name: decide_dead_letter
UPDATE dead_letters SET status = $2, act_seq = $3
WHERE id = $1 AND status = 'open'
RETURNING id
