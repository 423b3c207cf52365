-- +goose NO TRANSACTION
-- +goose Up
-- The bidder is kept as a mark that only the sealer can compute: the reference to its supplier goes.
PRAGMA foreign_keys = OFF;
CREATE TABLE bid_veiled (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL CHECK (version > 0), doc TEXT NOT NULL,
    tender TEXT NOT NULL REFERENCES tender (id), lot TEXT NOT NULL REFERENCES lot (id),
    supplier TEXT NOT NULL, contested BOOLEAN NOT NULL DEFAULT FALSE, UNIQUE (lot, supplier)
);
INSERT INTO bid_veiled (id, version, doc, tender, lot, supplier) SELECT id, version, doc, tender, lot, supplier FROM bid;
DROP TABLE bid;
ALTER TABLE bid_veiled RENAME TO bid;
CREATE INDEX bid_supplier ON bid (supplier, id);
PRAGMA foreign_keys = ON;

-- +goose Down
SELECT 1;
