-- Gateways remember which users can be paid; a user who cannot any more is told at once.
CREATE FUNCTION tell_user_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('holdfast_user', NEW.id::text);
    RETURN NULL;
END
$$;

-- Fires for statements that set the status only: steps count events in the same rows all the time.
CREATE TRIGGER users_tell_change AFTER UPDATE OF status ON users
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION tell_user_change();
