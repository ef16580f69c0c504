-- name: lock_migrations
-- A session lock: two starts at once apply each file once.
SELECT pg_advisory_lock(hashtext('holdfast:migrate'))

-- name: create_migrations_table
CREATE TABLE IF NOT EXISTS schema_migrations (
    version     integer     NOT NULL PRIMARY KEY,
    name        text        NOT NULL,
    sha256      text        NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT clock_timestamp()
)

-- name: read_migrations
SELECT version, sha256 FROM schema_migrations ORDER BY version

-- name: record_migration
INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, $2, $3)

-- name: create_system
INSERT INTO system (shard, buckets) VALUES ($1, $2) ON CONFLICT (only_row) DO NOTHING

-- name: create_buckets
INSERT INTO buckets (bucket) SELECT unnest($1::integer[])
