-- name: lock_unless_changed
-- Users who are not as they were read, or whom others have locked, are not among those locked.
-- PostgreSQL looks at the conditions again where a row has changed before it was locked.
SELECT users.id
FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS seen (id, event_sequence, status)
JOIN users USING (id, event_sequence, status)
ORDER BY users.id
FOR NO KEY UPDATE OF users SKIP LOCKED
