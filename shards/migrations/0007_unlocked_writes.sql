-- A statement that commits by itself is undone by nobody: it must refuse what is not as expected.
CREATE FUNCTION require_rows(part text, written bigint, expected bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    IF written <> expected THEN
        RAISE EXCEPTION '% of % rows were written to %', written, expected, part
            USING ERRCODE = 'HFB02', DETAIL = part || ' ' || written;
    END IF;
    RETURN written;
END
$$;
