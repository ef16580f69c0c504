-- name: make_tables
CREATE TABLE accounts (
    id integer PRIMARY KEY,
    balance bigint NOT NULL CHECK (balance >= 0)
);
CREATE TABLE entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id integer NOT NULL REFERENCES accounts (id),
    amount bigint NOT NULL
)

-- name: open_account
INSERT INTO accounts (id, balance) VALUES ($1, $2)

-- name: read_balance
SELECT balance FROM accounts WHERE id = $1

-- name: write_balance
UPDATE accounts SET balance = $2 WHERE id = $1

-- name: insert_entry
INSERT INTO entries (account_id, amount) VALUES ($1, $2)

-- name: sum_entries
SELECT coalesce(sum(amount), 0)::bigint FROM entries WHERE account_id = $1
