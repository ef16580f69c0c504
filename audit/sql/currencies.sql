-- name: currency_shape
-- says: A currency has a code, 0 to 18 decimals, and those it was made with if every system has it.
-- examines: currencies
SELECT
    ARRAY[c.code] AS ids,
    format('%s decimals%s', c.decimals,
        CASE WHEN known.code IS NOT NULL THEN format(', made with %s', known.decimals) END) AS detail
FROM currencies AS c
LEFT JOIN (VALUES
    ('USD', 2), ('EUR', 2), ('GBP', 2), ('JPY', 0), ('KWD', 3), ('BTC', 8), ('USDC', 6), ('ETH', 18)
) AS known (code, decimals) ON known.code = c.code
WHERE c.code !~ '^[A-Z0-9]{3,10}$'
    OR c.decimals NOT BETWEEN 0 AND 18
    OR c.decimals <> known.decimals

-- name: currency_here
-- says: A currency is on the shard that owns the bucket of its code's hash.
-- examines: currencies
SELECT ARRAY[code] AS ids, format('hashes to bucket %s, which is elsewhere', hashed) AS detail
FROM (
    SELECT
        code,
        mod(('x' || left(digest, 8))::bit(32)::bigint::numeric * 4294967296
            + ('x' || substr(digest, 9, 8))::bit(32)::bigint, buckets) AS hashed
    FROM system
    CROSS JOIN (
        SELECT code, encode(sha256(convert_to(code, 'UTF8')), 'hex') AS digest FROM currencies
    ) AS digested
) AS placed
WHERE NOT EXISTS (
    SELECT FROM buckets WHERE buckets.bucket = hashed AND buckets.state <> 'gone')
