-- name: create_currencies
INSERT INTO currencies (code, name, decimals)
SELECT code, name, decimals
FROM unnest($1::text[], $2::text[], $3::integer[]) AS seed (code, name, decimals)
ON CONFLICT (code) DO NOTHING

-- name: find_currencies
SELECT code, name, decimals, enabled FROM currencies WHERE code = ANY ($1::text[])

-- name: read_currencies
SELECT code, name, decimals, enabled FROM currencies ORDER BY code
