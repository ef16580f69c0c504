-- name: read_balances
SELECT a.currency, a.balance, a.held, a.version
FROM users AS u
LEFT JOIN accounts AS a ON a.user_id = u.id
WHERE u.id = $1
ORDER BY a.currency

-- name: read_balance
SELECT
    $2::text AS currency,
    coalesce(a.balance, 0) AS balance,
    coalesce(a.held, 0) AS held,
    coalesce(a.version, 0) AS version
FROM users AS u
LEFT JOIN accounts AS a ON a.user_id = u.id AND a.currency = $2
WHERE u.id = $1
