-- +goose Up
-- What a time-stamping authority said of a checkpoint: the note that was stamped, whole, and the token (RFC 3161).
-- told is how many public facts there were: what has become public since may call for the next one.
CREATE TABLE log_stamp (
    size BIGINT PRIMARY KEY CHECK (size > 0), note TEXT NOT NULL, token BLOB NOT NULL, sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    at BIGINT NOT NULL, told BIGINT NOT NULL
);
-- +goose StatementBegin
CREATE TRIGGER log_stamp_no_update BEFORE UPDATE ON log_stamp BEGIN SELECT RAISE(ABORT, 'sigillo: append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_stamp_no_delete BEFORE DELETE ON log_stamp BEGIN SELECT RAISE(ABORT, 'sigillo: append-only'); END;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
