-- name: send_notice
-- A hint needs no disk: who misses it looks at the row.
SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)
