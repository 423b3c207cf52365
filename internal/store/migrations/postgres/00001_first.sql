-- +goose Up
CREATE TABLE authority (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL CHECK (version > 0), doc TEXT NOT NULL,
    fiscal_code TEXT NOT NULL UNIQUE
);

CREATE TABLE supplier (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL CHECK (version > 0), doc TEXT NOT NULL,
    country TEXT NOT NULL, tax_id TEXT NOT NULL, UNIQUE (country, tax_id)
);

CREATE TABLE person (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL CHECK (version > 0), doc TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE, administrator BOOLEAN NOT NULL
);

CREATE TABLE session (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL CHECK (version > 0), doc TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE, person TEXT NOT NULL REFERENCES person (id)
);

CREATE TABLE paper (
    sha256 TEXT NOT NULL, authority TEXT NOT NULL REFERENCES authority (id), size BIGINT NOT NULL, stored_at BIGINT NOT NULL,
    PRIMARY KEY (sha256, authority)
);

CREATE TABLE tender (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL CHECK (version > 0), doc TEXT NOT NULL,
    authority TEXT NOT NULL REFERENCES authority (id)
);
CREATE INDEX tender_authority ON tender (authority, id);

-- Instants are microseconds since 1970, UTC: the same number on every database.
CREATE TABLE lot (
    id TEXT PRIMARY KEY, tender TEXT NOT NULL REFERENCES tender (id), number INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('draft', 'published', 'suspended', 'closed', 'administrative-opened', 'admitted',
        'technical-opened', 'scores-locked', 'economic-opened', 'ranked', 'proposed', 'verified', 'awarded', 'standstill',
        'deserted', 'not-awarded', 'revoked')),
    deadline BIGINT NOT NULL, opens_at BIGINT NOT NULL CHECK (opens_at >= deadline OR state = 'draft')
);
CREATE INDEX lot_tender ON lot (tender);
CREATE INDEX lot_due ON lot (state, deadline);

CREATE TABLE lot_key (
    lot TEXT NOT NULL REFERENCES lot (id), envelope TEXT NOT NULL CHECK (envelope IN ('A', 'B', 'C')),
    recipient TEXT NOT NULL, wrapped BYTEA NOT NULL, PRIMARY KEY (lot, envelope)
);

CREATE TABLE question (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL CHECK (version > 0), doc TEXT NOT NULL,
    tender TEXT NOT NULL REFERENCES tender (id)
);
CREATE INDEX question_tender ON question (tender, id);

CREATE TABLE bid (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL CHECK (version > 0), doc TEXT NOT NULL,
    tender TEXT NOT NULL REFERENCES tender (id), lot TEXT NOT NULL REFERENCES lot (id),
    supplier TEXT NOT NULL REFERENCES supplier (id), UNIQUE (lot, supplier)
);
CREATE INDEX bid_supplier ON bid (supplier, id);

-- One row for every sending of a bid; never changed.
CREATE TABLE submission (
    bid TEXT NOT NULL REFERENCES bid (id), number INTEGER NOT NULL CHECK (number > 0), lot TEXT NOT NULL REFERENCES lot (id),
    received_at BIGINT NOT NULL, manifest_hash TEXT NOT NULL, database_clock BOOLEAN NOT NULL, PRIMARY KEY (bid, number)
);

CREATE TABLE opening (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL CHECK (version > 0), doc TEXT NOT NULL,
    tender TEXT NOT NULL REFERENCES tender (id), lot TEXT NOT NULL REFERENCES lot (id), envelope TEXT NOT NULL,
    effective BIGINT NOT NULL, unsealed BOOLEAN NOT NULL, UNIQUE (lot, envelope)
);

CREATE TABLE evaluation (
    id TEXT PRIMARY KEY REFERENCES lot (id), version INTEGER NOT NULL CHECK (version > 0), doc TEXT NOT NULL,
    tender TEXT NOT NULL REFERENCES tender (id)
);

-- What a repeated request is answered with.
CREATE TABLE outcome (
    actor TEXT NOT NULL, key TEXT NOT NULL, action TEXT NOT NULL, request TEXT NOT NULL, snapshot TEXT NOT NULL,
    at BIGINT NOT NULL, PRIMARY KEY (actor, key)
);

-- The register of acts. Below a snapshot's xmin the order of (xid, id) never changes.
CREATE TABLE audit_entry (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, xid XID8 NOT NULL DEFAULT pg_current_xact_id(),
    tenant TEXT NOT NULL, tender TEXT NOT NULL, bidder BOOLEAN NOT NULL,
    body BYTEA NOT NULL, salt BYTEA NOT NULL CHECK (length(salt) = 32), leaf BYTEA NOT NULL UNIQUE CHECK (length(leaf) = 32)
);
CREATE INDEX audit_entry_tenant ON audit_entry (tenant, xid, id);

-- +goose StatementBegin
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'sigillo: append-only'; END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_entry_no_change BEFORE UPDATE OR DELETE ON audit_entry FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER submission_no_change BEFORE UPDATE OR DELETE ON submission FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER submission_no_truncate BEFORE TRUNCATE ON submission FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- A submission is in only if its instant is before the deadline of a published lot and, where the database's clock
-- decides, the commit is too: the check runs at commit, while the lot is locked against its closing.
-- +goose StatementBegin
CREATE FUNCTION submission_in_time() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE term BIGINT;
BEGIN
    SELECT deadline INTO term FROM lot WHERE id = NEW.lot AND state = 'published';
    IF term IS NULL OR NEW.received_at >= term
        OR NEW.database_clock AND floor(extract(epoch FROM clock_timestamp()) * 1000000) >= term THEN
        RAISE EXCEPTION 'sigillo: late';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER submission_in_time AFTER INSERT ON submission DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION submission_in_time();

-- +goose Down
SELECT 1;
