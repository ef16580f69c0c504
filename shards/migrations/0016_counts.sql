-- Parts are counted, so that nobody makes thousands of them: whoever reads a transfer is shown its
-- refunds, and each capture is a transfer that is under way for its payer. Rows of before have 0 until
-- the next file; adding the columns takes no time.
ALTER TABLE verdicts
    -- Refunds of a credit that are under way or completed.
    ADD COLUMN refund_count integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT verdicts_refund_count CHECK (0 <= refund_count) NOT VALID;
ALTER TABLE holds
    -- Captures of a hold, the returned ones too; a refused one is none.
    ADD COLUMN capture_count integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT holds_capture_count CHECK (0 <= capture_count) NOT VALID;
