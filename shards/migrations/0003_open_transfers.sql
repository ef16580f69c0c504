-- What is counted and watched while transfers are under way; what is over is in neither index.

-- A plain CREATE INDEX, since CONCURRENTLY cannot be part of a transaction: no transfer of the shard
-- is written until both are built, and each reads the whole table once; reads go on. Nothing is lost
-- meanwhile (tries are told to come again, steps are run again), but on a shard with many transfers
-- run it when few are asked for.

-- How many transfers of a payer are open: asked at each try, under the payer's lock.
CREATE INDEX transfers_open_by_payer ON transfers (payer_id) WHERE next_attempt_at IS NOT NULL;

-- Since when the oldest held transfer waits: asked every few seconds.
CREATE INDEX transfers_held_by_age ON transfers (created_at) WHERE status = 'held';
