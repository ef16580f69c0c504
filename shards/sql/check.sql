-- name: read_schema_facts
SELECT
    system.shard,
    system.buckets,
    ARRAY(SELECT version FROM schema_migrations) AS versions,
    current_setting('fsync') AS fsync,
    current_setting('synchronous_commit') AS synchronous_commit
FROM system

-- name: read_owned_buckets
SELECT bucket FROM buckets WHERE state = 'owned' ORDER BY bucket
