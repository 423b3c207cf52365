-- +goose Up
-- Transaction ids order the register, and begin anew where the database is restored into another cluster: an epoch is
-- the time in one of them.
CREATE TABLE audit_epoch (epoch INTEGER PRIMARY KEY, cluster TEXT NOT NULL);
INSERT INTO audit_epoch SELECT 0, system_identifier::text FROM pg_control_system();
-- +goose StatementBegin
CREATE FUNCTION current_epoch() RETURNS integer LANGUAGE plpgsql STABLE AS $$
BEGIN RETURN (SELECT max(epoch) FROM audit_epoch); END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_epoch_no_change BEFORE UPDATE OR DELETE ON audit_epoch FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_epoch_no_truncate BEFORE TRUNCATE ON audit_epoch FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- at is the instant of the act; of entries before this version, 0.
ALTER TABLE audit_entry ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0, ADD COLUMN at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit_entry ALTER COLUMN epoch SET DEFAULT current_epoch();
CREATE INDEX audit_entry_order ON audit_entry (epoch, xid, id);
DROP INDEX audit_entry_tenant;
CREATE INDEX audit_entry_tenant ON audit_entry (tenant, epoch, xid, id);

-- The log over the register: where in the tree each entry is, and which of its tender's it is, from 1. It names no
-- foreign key: checking it would write to the rows of the register.
CREATE TABLE audit_leaf (
    idx BIGINT PRIMARY KEY CHECK (idx >= 0), entry BIGINT NOT NULL UNIQUE,
    tenant TEXT NOT NULL, tender TEXT NOT NULL, tender_seq BIGINT NOT NULL
);
CREATE UNIQUE INDEX audit_leaf_tender ON audit_leaf (tender, tender_seq) WHERE tender <> '';
CREATE TRIGGER audit_leaf_no_change BEFORE UPDATE OR DELETE ON audit_leaf FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_leaf_no_truncate BEFORE TRUNCATE ON audit_leaf FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- Tiles as in C2SP tlog-tiles: full ones, and the one at the right edge of each level, which grows.
CREATE TABLE audit_tile (
    level INTEGER NOT NULL, n BIGINT NOT NULL, data BYTEA NOT NULL CHECK (length(data) BETWEEN 32 AND 8192 AND length(data) % 32 = 0),
    PRIMARY KEY (level, n)
);
ALTER TABLE audit_tile ALTER COLUMN data SET STORAGE EXTERNAL; -- hashes do not compress
-- +goose StatementBegin
CREATE FUNCTION audit_tile_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.level <> OLD.level OR NEW.n <> OLD.n OR substr(NEW.data, 1, length(OLD.data)) <> OLD.data THEN RAISE EXCEPTION 'sigillo: append-only'; END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_tile_grows BEFORE UPDATE ON audit_tile FOR EACH ROW EXECUTE FUNCTION audit_tile_grows();
CREATE TRIGGER audit_tile_no_delete BEFORE DELETE ON audit_tile FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_tile_no_truncate BEFORE TRUNCATE ON audit_tile FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- A checkpoint, and the last entry under it. The note is empty until it is signed, after its commit; cosignatures are
-- added to its end.
CREATE TABLE audit_checkpoint (
    size BIGINT PRIMARY KEY CHECK (size > 0), root BYTEA NOT NULL CHECK (length(root) = 32), note TEXT NOT NULL DEFAULT '', at BIGINT NOT NULL,
    epoch INTEGER NOT NULL, xid XID8 NOT NULL, entry BIGINT NOT NULL, published BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX audit_checkpoint_unsigned ON audit_checkpoint (size) WHERE note = '';
CREATE INDEX audit_checkpoint_unpublished ON audit_checkpoint (size) WHERE NOT published;
-- +goose StatementBegin
CREATE FUNCTION audit_checkpoint_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.size, NEW.root, NEW.at, NEW.epoch, NEW.xid, NEW.entry) IS DISTINCT FROM (OLD.size, OLD.root, OLD.at, OLD.epoch, OLD.xid, OLD.entry)
        OR NOT starts_with(NEW.note, OLD.note) OR OLD.published AND NOT NEW.published THEN RAISE EXCEPTION 'sigillo: append-only'; END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_checkpoint_stays BEFORE UPDATE ON audit_checkpoint FOR EACH ROW EXECUTE FUNCTION audit_checkpoint_stays();
CREATE TRIGGER audit_checkpoint_no_delete BEFORE DELETE ON audit_checkpoint FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_checkpoint_no_truncate BEFORE TRUNCATE ON audit_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- +goose Down
SELECT 1;
