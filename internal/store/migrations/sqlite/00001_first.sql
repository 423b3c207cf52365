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
    recipient TEXT NOT NULL, wrapped BLOB NOT NULL, PRIMARY KEY (lot, envelope)
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

-- The register of acts. The order of id is the order of commits: SQLite has one writer.
CREATE TABLE audit_entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, tender TEXT NOT NULL, bidder BOOLEAN NOT NULL,
    body BLOB NOT NULL, salt BLOB NOT NULL CHECK (length(salt) = 32), leaf BLOB NOT NULL UNIQUE CHECK (length(leaf) = 32)
);
CREATE INDEX audit_entry_tenant ON audit_entry (tenant, id);

-- +goose StatementBegin
CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry BEGIN SELECT RAISE(ABORT, 'sigillo: append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry BEGIN SELECT RAISE(ABORT, 'sigillo: append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER submission_no_update BEFORE UPDATE ON submission BEGIN SELECT RAISE(ABORT, 'sigillo: append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER submission_no_delete BEFORE DELETE ON submission BEGIN SELECT RAISE(ABORT, 'sigillo: append-only'); END;
-- +goose StatementEnd
-- A submission is in only if its instant is before the deadline of a published lot.
-- +goose StatementBegin
CREATE TRIGGER submission_in_time BEFORE INSERT ON submission
WHEN NOT EXISTS (SELECT 1 FROM lot WHERE id = NEW.lot AND state = 'published' AND NEW.received_at < deadline)
BEGIN SELECT RAISE(ABORT, 'sigillo: late'); END;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
