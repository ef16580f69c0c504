-- What operators decide, and on which dead letters. It only adds: processes of the release before
-- go on writing dead letters, and the columns they do not know are NULL there or have a default.

-- The trail: who did what to which row, and why. `seq` has no gap within a bucket, and each act
-- carries the hash of the one before it, so that an act that was changed or taken out shows.
CREATE TABLE operator_acts (
    bucket     integer     NOT NULL,
    seq        bigint      NOT NULL,
    act        text        NOT NULL,
    target_id  uuid        NOT NULL,
    done_by    text        NOT NULL,
    reason     text        NOT NULL,
    detail     text        NOT NULL,
    at         timestamptz NOT NULL,
    prev_hash  bytea       NOT NULL,
    hash       bytea       NOT NULL,
    CONSTRAINT operator_acts_pkey PRIMARY KEY (bucket, seq),
    CONSTRAINT operator_acts_seq CHECK (seq >= 1),
    -- The kind of row and the verb, such as `dead_letter.discard`.
    CONSTRAINT operator_acts_act CHECK (act ~ '^[a-z_]+\.[a-z_]+$'),
    -- One line each: the hash is taken over lines.
    CONSTRAINT operator_acts_done_by CHECK (btrim(done_by) <> '' AND done_by !~ '[[:cntrl:]]'),
    CONSTRAINT operator_acts_reason CHECK (btrim(reason) <> '' AND reason !~ '[[:cntrl:]]'),
    CONSTRAINT operator_acts_detail CHECK (detail !~ '[[:cntrl:]]')
);
CREATE INDEX operator_acts_by_target ON operator_acts (target_id);
CREATE INDEX operator_acts_by_time ON operator_acts (at DESC, bucket DESC, seq DESC);

CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: rows are only ever added to it', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER operator_acts_only_added_to
    BEFORE UPDATE OR DELETE OR TRUNCATE ON operator_acts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE dead_letters
    ADD COLUMN reason_class text,
    -- The step that set it aside; settle gets its messages from confirm.
    ADD COLUMN step         text,
    ADD COLUMN trace_id     text,
    -- How often it came and was set aside, and when it did so last.
    ADD COLUMN attempts     integer NOT NULL DEFAULT 1,
    ADD COLUMN last_at      timestamptz,
    -- The act that decided it, in the trail of its bucket.
    ADD COLUMN act_seq      bigint,
    ADD CONSTRAINT dead_letters_reason_class CHECK (reason_class IN ('poison', 'impossible', 'bug')),
    ADD CONSTRAINT dead_letters_attempts CHECK (attempts >= 1),
    ADD CONSTRAINT dead_letters_act_when_decided CHECK (
        (status = 'open') = (act_seq IS NULL)),
    ADD CONSTRAINT dead_letters_act_fkey FOREIGN KEY (bucket, act_seq)
        REFERENCES operator_acts (bucket, seq);

UPDATE dead_letters SET
    reason_class = CASE
        WHEN reason = 'bug' THEN 'bug'
        WHEN reason IN ('unknown_transfer', 'verdict_mismatch', 'verdict_contradicts')
            THEN 'impossible'
        ELSE 'poison'
    END,
    step = substring(topic FROM '\.(try-confirm|confirm|cancel)\.v1$'),
    last_at = created_at;

-- A transfer that meets the same bug at every redrive is one letter that counts.
CREATE INDEX dead_letters_open_by_transfer ON dead_letters (transfer_id)
    WHERE status = 'open' AND transfer_id IS NOT NULL;
CREATE INDEX dead_letters_by_time ON dead_letters (created_at DESC, id DESC);
