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

-- name: ping
SELECT 1
