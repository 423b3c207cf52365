-- +goose Up
-- Every object as every act left it, whole: canonical JSON and the salt of its hash, which stands in the entry of that leaf.
-- What tells who has bid is under the veil. Rows are never changed or deleted; doc and salt may be erased together.
CREATE TABLE audit_state (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, leaf BYTEA NOT NULL, at BIGINT NOT NULL,
    type TEXT NOT NULL, object TEXT NOT NULL, version INTEGER NOT NULL, salt BYTEA, doc BYTEA,
    CHECK ((salt IS NULL) = (doc IS NULL) AND (salt IS NULL OR length(salt) = 32))
);
CREATE INDEX audit_state_object ON audit_state (type, object, version);
CREATE INDEX audit_state_leaf ON audit_state (leaf);
-- +goose StatementBegin
CREATE FUNCTION erase_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.salt IS NULL AND NEW.doc IS NULL AND (NEW.id, NEW.leaf, NEW.at, NEW.type, NEW.object, NEW.version)
        = (OLD.id, OLD.leaf, OLD.at, OLD.type, OLD.object, OLD.version) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'sigillo: append-only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_state_no_change BEFORE UPDATE OR DELETE ON audit_state FOR EACH ROW EXECUTE FUNCTION erase_only();
CREATE TRIGGER audit_state_no_truncate BEFORE TRUNCATE ON audit_state FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- +goose Down
SELECT 1;
