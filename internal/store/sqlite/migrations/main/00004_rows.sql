-- The rows of reservations are in another format, which an older program would take for damage: it refuses the
-- database by its version.

-- +goose Up
SELECT 1;
