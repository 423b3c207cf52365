-- +goose Up
-- The upload of one sealed envelope, part by part.
CREATE TABLE transfer (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL CHECK (version > 0), doc TEXT NOT NULL,
    bid TEXT NOT NULL REFERENCES bid (id), begun_at BIGINT NOT NULL, under_way BOOLEAN NOT NULL
);
CREATE INDEX transfer_bid ON transfer (bid, id);
CREATE INDEX transfer_under_way ON transfer (under_way, begun_at);

-- What a bidder was shown.
CREATE TABLE message (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL CHECK (version > 0), doc TEXT NOT NULL,
    bid TEXT NOT NULL REFERENCES bid (id)
);
CREATE INDEX message_bid ON message (bid, id);

-- When a submitted envelope was last claimed for hashing.
CREATE TABLE scrub (digest TEXT PRIMARY KEY, bid TEXT NOT NULL REFERENCES bid (id), claimed_at BIGINT NOT NULL);
CREATE INDEX scrub_claimed ON scrub (claimed_at);

-- +goose Down
SELECT 1;
