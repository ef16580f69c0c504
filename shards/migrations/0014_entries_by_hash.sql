-- An entry is looked up by its hash, which says nothing of whose it is. Every movement and transfer
-- writes entries, so the index must cost little to write: hashes lie in no order, and a hash index is
-- half as large as a B-tree of them and writes half as much. It knows equality only, and nothing else
-- is asked for.

-- Plain CREATE INDEX, as in 0003: no entry is written, and so no money moves on this shard, while it
-- reads the whole table; reads go on. On a shard with many entries run it when few transfers are
-- asked for.
CREATE INDEX entries_by_hash ON entries USING hash (hash);
