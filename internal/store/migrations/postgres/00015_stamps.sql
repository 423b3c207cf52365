-- +goose Up
-- What a time-stamping authority said of a checkpoint: the note that was stamped, whole, and the token (RFC 3161).
-- told is how many public facts there were: what has become public since may call for the next one.
CREATE TABLE log_stamp (
    size BIGINT PRIMARY KEY CHECK (size > 0), note TEXT NOT NULL, token BYTEA NOT NULL, sha256 BYTEA NOT NULL CHECK (length(sha256) = 32),
    at BIGINT NOT NULL, told BIGINT NOT NULL
);
CREATE TRIGGER log_stamp_no_change BEFORE UPDATE OR DELETE ON log_stamp FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER log_stamp_no_truncate BEFORE TRUNCATE ON log_stamp FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- +goose Down
SELECT 1;
