-- Fewer index entries for each transfer; what is asked of the indexes stays the same.

-- A status change that leaves all indexed columns alone writes no index, if there is room in the
-- row's page. So no index says `status` any more, and some room is left.
DROP INDEX transfers_held_by_age;
CREATE INDEX transfers_open_by_age ON transfers (created_at) WHERE next_attempt_at IS NOT NULL;
ALTER TABLE transfers SET (fillfactor = 80);

-- Most entries have no movement, and a NULL conflicts with nothing.
ALTER TABLE entries DROP CONSTRAINT entries_movement_key;
CREATE UNIQUE INDEX entries_movement_key ON entries (movement_id) WHERE movement_id IS NOT NULL;
