-- name: insert_dead_letters
-- What comes again is counted where it was kept first: at the same place, whatever was decided
-- since, or as an open letter of the same transfer with the same bytes and reason, since redrive
-- sends those anew, at new places, for as long as the transfer is open.
-- A statement may touch a row once: all that is counted on a letter is added up first, and what is
-- inserted conflicts only with what another worker has inserted meanwhile.
WITH came AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::integer[], $3::text[], $4::integer[], $5::bigint[], $6::bytea[],
        $7::bytea[], $8::bytea[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
        $14::text[], $15::uuid[], $16::integer[])
        WITH ORDINALITY
        AS new (id, bucket, topic, partition, position, key, value, value_sha256, headers,
                reason_class, reason, detail, step, trace_id, transfer_id, attempts, number)
),
clock AS MATERIALIZED (SELECT app_now() AS now),
at_their_place AS (
    SELECT came.id, came.attempts, kept.id AS kept_id
    FROM came
    JOIN dead_letters AS kept USING (topic, partition, position, value_sha256)
),
elsewhere AS (
    SELECT * FROM came WHERE NOT EXISTS (SELECT FROM at_their_place AS p WHERE p.id = came.id)
),
of_open_letters AS (
    SELECT DISTINCT ON (elsewhere.id) elsewhere.id, elsewhere.attempts, kept.id AS kept_id
    FROM elsewhere
    JOIN dead_letters AS kept
        ON kept.status = 'open'
        AND kept.transfer_id = elsewhere.transfer_id
        AND kept.topic = elsewhere.topic
        AND kept.value_sha256 = elsewhere.value_sha256
        AND kept.reason = elsewhere.reason
    ORDER BY elsewhere.id, kept.created_at, kept.id
),
repeats AS (
    SELECT kept_id, sum(attempts)::integer AS attempts
    FROM (SELECT * FROM at_their_place UNION ALL SELECT * FROM of_open_letters) AS each
    GROUP BY kept_id
),
counted AS (
    UPDATE dead_letters AS kept SET
        attempts = kept.attempts + repeats.attempts,
        last_at = clock.now
    FROM repeats, clock
    WHERE kept.id = repeats.kept_id
),
fresh AS (
    -- The first of those that are one failure, with the attempts of all; poison is told by its id.
    SELECT DISTINCT ON (coalesce(transfer_id, id), topic, value_sha256, reason)
        *,
        sum(attempts) OVER (
            PARTITION BY coalesce(transfer_id, id), topic, value_sha256, reason
        )::integer AS all_attempts
    FROM elsewhere
    WHERE NOT EXISTS (SELECT FROM of_open_letters AS o WHERE o.id = elsewhere.id)
    ORDER BY coalesce(transfer_id, id), topic, value_sha256, reason, number
)
INSERT INTO dead_letters
    (id, bucket, topic, partition, position, key, value, value_sha256, headers, reason_class,
     reason, detail, step, trace_id, transfer_id, attempts, created_at, last_at)
SELECT
    id, bucket, topic, partition, position, key, value, value_sha256, headers::jsonb, reason_class,
    reason, detail, step, trace_id, transfer_id, all_attempts, clock.now, clock.now
FROM fresh, clock
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
