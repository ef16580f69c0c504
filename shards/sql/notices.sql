-- name: send_notice
SELECT pg_notify($1, $2)
