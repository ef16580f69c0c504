-- name: read_books
-- What the wallet holds, and what its entries add up to.
SELECT
    (SELECT coalesce(sum(balance), 0)::bigint FROM accounts WHERE user_id = $1) AS balance,
    (SELECT coalesce(sum(amount), 0)::bigint FROM entries WHERE user_id = $1) AS entries
