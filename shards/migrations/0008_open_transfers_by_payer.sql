-- While nothing is open, an index of what is open is empty, and to the planner all empty indexes are
-- alike: a plan that was made then read everything that was open on the shard, by another index
-- than that of its payer, for each wallet of each batch of tries. So there is no such index but this
-- one and `transfers_due`, and this one is younger: of two that are alike, that is taken. A test
-- looks at the plans.
DROP INDEX transfers_open_by_age;
DROP INDEX transfers_open_by_payer;
CREATE INDEX transfers_open_by_payer ON transfers (payer_id) WHERE next_attempt_at IS NOT NULL;
