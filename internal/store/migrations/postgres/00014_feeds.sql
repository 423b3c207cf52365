-- +goose Up
-- What has become public, in the order of the log: a function of the log, filled by whoever comes first. The numbers count
-- public facts alone, so that nothing can be told from them about what is not public.
CREATE TABLE feed_change (
    n BIGINT PRIMARY KEY CHECK (n > 0), id TEXT NOT NULL UNIQUE, action TEXT NOT NULL, at BIGINT NOT NULL, effective BIGINT,
    authority TEXT NOT NULL, tender TEXT NOT NULL REFERENCES tender (id), lot TEXT NOT NULL, question TEXT NOT NULL
);
CREATE INDEX feed_change_tender ON feed_change (tender, n);
CREATE TRIGGER feed_change_no_change BEFORE UPDATE OR DELETE ON feed_change FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER feed_change_no_truncate BEFORE TRUNCATE ON feed_change FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- How far into the log that has been done. One row.
CREATE TABLE feed_head (next BIGINT NOT NULL CHECK (next >= 0));
INSERT INTO feed_head VALUES (0);

-- Who is told, where, and the secret it is signed with: under the veil whole, for a subscription may tell who is interested.
CREATE TABLE webhook (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL CHECK (version > 0), doc TEXT NOT NULL,
    owner TEXT NOT NULL, active BOOLEAN NOT NULL
);
CREATE INDEX webhook_owner ON webhook (owner, id);

-- How far each has been told, which is telemetry and no act: feed_change is the outbox, passed the last number that is done with.
-- Who holds the claim until then is the only one to send.
CREATE TABLE webhook_course (
    webhook TEXT PRIMARY KEY REFERENCES webhook (id), passed BIGINT NOT NULL, due BIGINT NOT NULL,
    attempts INTEGER NOT NULL, failing_since BIGINT, outcome TEXT NOT NULL, delivered BIGINT NOT NULL, delivered_at BIGINT,
    status INTEGER NOT NULL, claim TEXT NOT NULL, claimed_until BIGINT NOT NULL
);
CREATE INDEX webhook_course_due ON webhook_course (due);

-- +goose Down
SELECT 1;
