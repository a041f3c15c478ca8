-- An event about a limit names the key whose counter it is about. Those written before had it in the path of
-- the difference only.

-- +goose Up
ALTER TABLE events ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
UPDATE events SET key_id = substr(line ->> '$.diff[0].path', 7) WHERE action = 'limit.adjust' AND line ->> '$.diff[0].path' GLOB 'spent.*';
CREATE INDEX events_key ON events (key_id) WHERE key_id <> '';
