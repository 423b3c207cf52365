-- +goose Up
-- Every object as every act left it, whole: canonical JSON and the salt of its hash, which stands in the entry of that leaf.
-- What tells who has bid is under the veil. Rows are never changed or deleted; doc and salt may be erased together.
CREATE TABLE audit_state (
    id INTEGER PRIMARY KEY AUTOINCREMENT, leaf BLOB NOT NULL, at BIGINT NOT NULL,
    type TEXT NOT NULL, object TEXT NOT NULL, version INTEGER NOT NULL, salt BLOB, doc BLOB,
    CHECK ((salt IS NULL) = (doc IS NULL) AND (salt IS NULL OR length(salt) = 32))
);
CREATE INDEX audit_state_object ON audit_state (type, object, version);
CREATE INDEX audit_state_leaf ON audit_state (leaf);
-- +goose StatementBegin
CREATE TRIGGER audit_state_no_change BEFORE UPDATE ON audit_state
WHEN NEW.salt IS NOT NULL OR NEW.doc IS NOT NULL OR (NEW.id, NEW.leaf, NEW.at, NEW.type, NEW.object, NEW.version)
    IS NOT (OLD.id, OLD.leaf, OLD.at, OLD.type, OLD.object, OLD.version)
BEGIN SELECT RAISE(ABORT, 'sigillo: append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_state_no_delete BEFORE DELETE ON audit_state BEGIN SELECT RAISE(ABORT, 'sigillo: append-only'); END;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
