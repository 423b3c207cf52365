-- +goose Up
-- Whose a bid is stands under a veil of its own, and its mark differs from lot to lot. What is kept already cannot be
-- turned by SQL: no bidder may have acted yet.
CREATE TABLE no_bidder_may_have_acted (acts INTEGER NOT NULL CHECK (acts = 0));
INSERT INTO no_bidder_may_have_acted SELECT (SELECT count(*) FROM audit_entry WHERE bidder) + (SELECT count(*) FROM bid);
DROP TABLE no_bidder_may_have_acted;
DROP TABLE bid;
CREATE TABLE bid (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL CHECK (version > 0), doc TEXT NOT NULL, who TEXT NOT NULL,
    tender TEXT NOT NULL REFERENCES tender (id), lot TEXT NOT NULL REFERENCES lot (id),
    supplier TEXT NOT NULL, contested BOOLEAN NOT NULL, UNIQUE (lot, supplier)
);
CREATE INDEX bid_supplier ON bid (supplier, id);

-- What a repeated request is answered with: under the veil whole, for there is no telling bidders' from others'.
-- Earlier answers are dropped: a request repeated across this migration is a new one.
DROP TABLE outcome;
CREATE TABLE outcome (mark TEXT PRIMARY KEY, thing TEXT NOT NULL, at BIGINT NOT NULL);

-- +goose Down
SELECT 1;
