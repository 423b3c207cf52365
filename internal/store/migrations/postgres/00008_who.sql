-- +goose Up
-- Whose a bid is stands under a veil of its own, and its mark differs from lot to lot. What is kept already cannot be
-- turned by SQL: no bidder may have acted yet.
-- +goose StatementBegin
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM audit_entry WHERE bidder) OR EXISTS (SELECT 1 FROM bid) THEN RAISE EXCEPTION 'sigillo: what bidders did before this version cannot be migrated'; END IF;
END $$;
-- +goose StatementEnd
ALTER TABLE bid ADD COLUMN who TEXT NOT NULL;

-- What a repeated request is answered with: under the veil whole, for there is no telling bidders' from others'.
-- Earlier answers are dropped: a request repeated across this migration is a new one.
DROP TABLE outcome;
CREATE TABLE outcome (mark TEXT PRIMARY KEY, thing TEXT NOT NULL, at BIGINT NOT NULL);

-- +goose Down
SELECT 1;
