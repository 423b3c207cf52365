-- +goose Up
-- Checkpoints that enough witnesses have signed, with their signatures: a note as it goes to whoever checks it.
CREATE TABLE log_cosigned (size BIGINT PRIMARY KEY CHECK (size > 0), note TEXT NOT NULL);
CREATE TRIGGER log_cosigned_no_change BEFORE UPDATE OR DELETE ON log_cosigned FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER log_cosigned_no_truncate BEFORE TRUNCATE ON log_cosigned FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- +goose Down
SELECT 1;
