-- A key is looked up by its own unique index, and nothing else. To the planner the index of a payer's
-- list was as good while payers had few transfers each: a plan made then read everything that a payer
-- had ever sent, for each request, and was kept. So that index is for those that ask for a time, as
-- lists do. The condition is true of every row; a test looks at the plans.

-- Plain CREATE INDEX, as in 0003: on a shard with many transfers run it when few are asked for.
DROP INDEX transfers_by_payer;
CREATE INDEX transfers_by_payer ON transfers (payer_id, created_at DESC, id DESC)
    WHERE created_at > '-infinity';
