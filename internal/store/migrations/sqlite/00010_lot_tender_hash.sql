-- +goose Up
-- Which document of its tender a lot stands by: SHA-256 in hex, or nothing until it is saved again. Whoever has
-- locked the lot knows by it whether the tender it has read before is still the one.
ALTER TABLE lot ADD COLUMN tender_hash TEXT NOT NULL DEFAULT '';

-- +goose Down
SELECT 1;
