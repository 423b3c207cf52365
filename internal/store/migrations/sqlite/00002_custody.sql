-- +goose Up
-- Until the platform's keys of a revoked lot are destroyed.
ALTER TABLE lot ADD COLUMN keys_kept BOOLEAN NOT NULL DEFAULT TRUE;

-- +goose Down
SELECT 1;
