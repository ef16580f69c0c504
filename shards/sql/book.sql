-- name: read_clock
-- After the locks, once for the whole transaction.
SELECT app_now() AS now
