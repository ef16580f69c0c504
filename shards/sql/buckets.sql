-- name: share_buckets
-- Held to the end of the transaction; a move takes the same locks exclusively. In order, so that
-- two moves and a batch cannot wait for each other in a circle.
SELECT pg_advisory_xact_lock_shared(1212107844, bucket)
FROM unnest($1::integer[]) AS bucket

-- name: find_bucket_not_owned
SELECT asked.bucket
FROM unnest($1::integer[]) AS asked (bucket)
LEFT JOIN buckets ON buckets.bucket = asked.bucket AND buckets.state = 'owned'
WHERE buckets.bucket IS NULL
LIMIT 1

-- name: read_owned_buckets
SELECT bucket FROM buckets WHERE state = 'owned' ORDER BY bucket

-- name: read_schema_facts
SELECT
    system.shard,
    system.buckets,
    (SELECT max(version) FROM schema_migrations) AS version,
    current_setting('fsync') AS fsync,
    current_setting('synchronous_commit') AS synchronous_commit
FROM system

-- name: create_system
INSERT INTO system (shard, buckets) VALUES ($1, $2) ON CONFLICT (only_row) DO NOTHING

-- name: create_buckets
INSERT INTO buckets (bucket) SELECT unnest($1::integer[])

-- name: ping
SELECT 1
