-- Lists of a payer's holds, newest first. While it is built nobody opens, captures or ends a hold:
-- about a second for a million of them. Its condition is stated by the list alone, so nothing else
-- is ever planned with it.

CREATE INDEX holds_by_payer ON holds (payer_id, created_at, id) WHERE status <> 'rejected';
