-- name: create_currencies
INSERT INTO currencies (code, name, decimals)
SELECT code, name, decimals
FROM unnest($1::text[], $2::text[], $3::integer[]) AS seed (code, name, decimals)
ON CONFLICT (code) DO NOTHING

-- name: create_currency
-- Waits for another transaction that makes the same one.
INSERT INTO currencies (code, name, decimals, enabled)
VALUES ($1, $2, $3, $4)
ON CONFLICT (code) DO NOTHING
RETURNING code

-- name: lock_currency
SELECT code, name, decimals, enabled FROM currencies WHERE code = $1 FOR NO KEY UPDATE

-- name: change_currency
UPDATE currencies SET name = $2, enabled = $3 WHERE code = $1

-- name: find_currencies
SELECT code, name, decimals, enabled FROM currencies WHERE code = ANY ($1::text[])

-- name: read_currencies
SELECT code, name, decimals, enabled FROM currencies ORDER BY code
