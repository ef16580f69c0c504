-- An event is found by its user and its number. Nothing looks one up by `id`, which only tells in
-- which order they were numbered: an index of it was one in six of all that a transfer wrote.
ALTER TABLE outbox
    DROP CONSTRAINT outbox_pkey,
    DROP CONSTRAINT outbox_sequence_key,
    ADD CONSTRAINT outbox_sequence_key PRIMARY KEY (user_id, sequence);
