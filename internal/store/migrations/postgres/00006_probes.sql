-- +goose Up
-- How the platform worked: telemetry, and no act. It says nothing of who used it.
CREATE TABLE probe (
    at BIGINT NOT NULL, replica TEXT NOT NULL, database_us BIGINT NOT NULL, objects_us BIGINT NOT NULL,
    errors INTEGER NOT NULL, slowest_us BIGINT NOT NULL, clock TEXT NOT NULL, max_error_us BIGINT NOT NULL,
    PRIMARY KEY (at, replica)
);

-- +goose Down
SELECT 1;
