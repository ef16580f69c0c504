-- name: lock_users
SELECT id, status, event_sequence
FROM users
WHERE id = ANY($1::uuid[])
ORDER BY id
FOR NO KEY UPDATE

-- name: lock_users_not_locked
SELECT id, status, event_sequence
FROM users
WHERE id = ANY($1::uuid[])
ORDER BY id
FOR NO KEY UPDATE SKIP LOCKED

-- name: find_users
SELECT id, status FROM users WHERE id = ANY($1::uuid[])

-- name: find_users_by_email
SELECT email, id, status FROM users WHERE email = ANY($1::text[])

-- name: read_user
SELECT id, email, name, password_hash, role, status, created_at FROM users WHERE id = $1

-- name: read_user_by_email
SELECT id, email, name, password_hash, role, status, created_at FROM users WHERE email = $1

-- name: list_operators
SELECT id, email, name, password_hash, role, status, created_at
FROM users
WHERE role = 'operator'
ORDER BY email

-- name: is_wallet_empty
SELECT
    NOT EXISTS (SELECT FROM accounts WHERE user_id = $1 AND (balance <> 0 OR held <> 0))
    AND NOT EXISTS (SELECT FROM transfers WHERE payer_id = $1 AND next_attempt_at IS NOT NULL)

-- name: set_status
UPDATE users SET status = $2 WHERE id = $1

-- name: set_role
UPDATE users SET role = $2 WHERE id = $1

-- name: insert_user
INSERT INTO users
    (id, bucket, email, name, password_hash, role, status, event_sequence, created_at)
VALUES ($1, $2, $3, $4, $5, 'user', 'open', 0, app_now())
RETURNING id, email, name, password_hash, role, status, created_at
