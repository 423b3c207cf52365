-- +goose Up
-- Checkpoints that enough witnesses have signed, with their signatures: a note as it goes to whoever checks it.
CREATE TABLE log_cosigned (size BIGINT PRIMARY KEY CHECK (size > 0), note TEXT NOT NULL);
-- +goose StatementBegin
CREATE TRIGGER log_cosigned_no_update BEFORE UPDATE ON log_cosigned BEGIN SELECT RAISE(ABORT, 'sigillo: append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_cosigned_no_delete BEFORE DELETE ON log_cosigned BEGIN SELECT RAISE(ABORT, 'sigillo: append-only'); END;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
