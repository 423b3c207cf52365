-- +goose Up
-- The bidder is kept as a mark that only the sealer can compute.
ALTER TABLE bid DROP CONSTRAINT bid_supplier_fkey;
-- Found without lifting the veil of the others.
ALTER TABLE bid ADD COLUMN contested BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
SELECT 1;
