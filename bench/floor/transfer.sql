\set amount random(1, 100)
\set debit -:amount
\set made :made + 1
\set transfer (:run * 1000 + :client_id) * 1000000000 + :made
BEGIN;
SELECT balance FROM accounts WHERE id = :payer FOR UPDATE;
INSERT INTO entries (transfer_id, leg, account_id, amount) VALUES (:transfer, 1, :payer, :debit), (:transfer, 2, :payee, :amount);
UPDATE accounts SET balance = balance + :debit WHERE id = :payer;
UPDATE accounts SET balance = balance + :amount WHERE id = :payee;
COMMIT;
