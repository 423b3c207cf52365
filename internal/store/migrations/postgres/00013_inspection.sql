-- +goose Up
-- An auditor reads the log of one authority on from a place.
CREATE INDEX audit_leaf_tenant ON audit_leaf (tenant, idx);

-- +goose Down
SELECT 1;
