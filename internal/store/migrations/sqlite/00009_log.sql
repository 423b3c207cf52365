-- +goose Up
-- The instant of the act; of entries before this version, 0.
ALTER TABLE audit_entry ADD COLUMN at INTEGER NOT NULL DEFAULT 0;

-- The log over the register: where in the tree each entry is, and which of its tender's it is, from 1.
CREATE TABLE audit_leaf (
    idx INTEGER PRIMARY KEY CHECK (idx >= 0), entry INTEGER NOT NULL UNIQUE,
    tenant TEXT NOT NULL, tender TEXT NOT NULL, tender_seq INTEGER NOT NULL
);
CREATE UNIQUE INDEX audit_leaf_tender ON audit_leaf (tender, tender_seq) WHERE tender <> '';
-- +goose StatementBegin
CREATE TRIGGER audit_leaf_no_update BEFORE UPDATE ON audit_leaf BEGIN SELECT RAISE(ABORT, 'sigillo: append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_leaf_no_delete BEFORE DELETE ON audit_leaf BEGIN SELECT RAISE(ABORT, 'sigillo: append-only'); END;
-- +goose StatementEnd

-- Tiles as in C2SP tlog-tiles: full ones, and the one at the right edge of each level, which grows.
CREATE TABLE audit_tile (
    level INTEGER NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL CHECK (length(data) BETWEEN 32 AND 8192 AND length(data) % 32 = 0),
    PRIMARY KEY (level, n)
);
-- +goose StatementBegin
CREATE TRIGGER audit_tile_grows BEFORE UPDATE ON audit_tile
WHEN NEW.level <> OLD.level OR NEW.n <> OLD.n OR substr(NEW.data, 1, length(OLD.data)) <> OLD.data
BEGIN SELECT RAISE(ABORT, 'sigillo: append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_tile_no_delete BEFORE DELETE ON audit_tile BEGIN SELECT RAISE(ABORT, 'sigillo: append-only'); END;
-- +goose StatementEnd

-- A checkpoint, and the last entry under it. The note is empty until it is signed, after its commit; cosignatures are
-- added to its end.
CREATE TABLE audit_checkpoint (
    size INTEGER PRIMARY KEY CHECK (size > 0), root BLOB NOT NULL CHECK (length(root) = 32), note TEXT NOT NULL DEFAULT '', at INTEGER NOT NULL,
    entry INTEGER NOT NULL, published BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX audit_checkpoint_unsigned ON audit_checkpoint (size) WHERE note = '';
CREATE INDEX audit_checkpoint_unpublished ON audit_checkpoint (size) WHERE NOT published;
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoint_stays BEFORE UPDATE ON audit_checkpoint
WHEN NEW.size <> OLD.size OR NEW.root <> OLD.root OR NEW.at <> OLD.at OR NEW.entry <> OLD.entry
    OR substr(NEW.note, 1, length(OLD.note)) <> OLD.note OR OLD.published AND NOT NEW.published
BEGIN SELECT RAISE(ABORT, 'sigillo: append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoint_no_delete BEFORE DELETE ON audit_checkpoint BEGIN SELECT RAISE(ABORT, 'sigillo: append-only'); END;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
