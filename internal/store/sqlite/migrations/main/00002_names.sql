-- A key that is revoked lets go of its name: a name is unique among the keys that are not. SQLite cannot
-- take a constraint away, so the table is made anew.

-- +goose Up
CREATE TABLE keys_2 (
	n            INTEGER PRIMARY KEY,
	id           TEXT    NOT NULL UNIQUE,
	name         TEXT    NOT NULL,
	origin       TEXT    NOT NULL,
	status       TEXT    NOT NULL,
	uncapped     INTEGER NOT NULL,
	created_at   INTEGER NOT NULL,
	expires_at   INTEGER NOT NULL, -- never: the largest number
	last_used_at INTEGER NOT NULL, -- never: 0
	uses         TEXT    NOT NULL, -- JSON: when each secret was last used
	version      INTEGER NOT NULL,
	text         TEXT    NOT NULL, -- what a search looks through, a line for each part, in small letters
	doc          TEXT    NOT NULL
) STRICT;
INSERT INTO keys_2 SELECT n, id, name, origin, status, uncapped, created_at, expires_at, last_used_at, uses, version, text, doc FROM keys ORDER BY n;
DROP TABLE keys;
ALTER TABLE keys_2 RENAME TO keys;

CREATE UNIQUE INDEX keys_live_name ON keys (name) WHERE status <> 'revoked';

CREATE INDEX keys_name     ON keys (name, id);
CREATE INDEX keys_created  ON keys (created_at, id);
CREATE INDEX keys_used     ON keys (last_used_at, id);
CREATE INDEX keys_expiring ON keys (expires_at, id, status);

CREATE INDEX keys_status_name     ON keys (status, name, id);
CREATE INDEX keys_status_created  ON keys (status, created_at, id);
CREATE INDEX keys_status_used     ON keys (status, last_used_at, id);
CREATE INDEX keys_status_expiring ON keys (status, expires_at, id);

-- Few keys are declared in a file or have no limits: these indexes cost the others nothing.
CREATE INDEX keys_declared ON keys (origin)             WHERE origin <> 'managed';
CREATE INDEX keys_uncapped ON keys (status, expires_at) WHERE uncapped = 1;

-- How many keys of each status there are is asked for all the time.
CREATE TABLE key_counts (
	status TEXT    PRIMARY KEY,
	keys   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO key_counts SELECT status, count(*) FROM keys GROUP BY status;

-- +goose StatementBegin
CREATE TRIGGER keys_insert AFTER INSERT ON keys BEGIN
	INSERT INTO key_counts VALUES (new.status, 1) ON CONFLICT DO UPDATE SET keys = keys + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER keys_delete AFTER DELETE ON keys BEGIN
	UPDATE key_counts SET keys = keys - 1 WHERE status = old.status;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER keys_update AFTER UPDATE OF status ON keys WHEN new.status <> old.status BEGIN
	UPDATE key_counts SET keys = keys - 1 WHERE status = old.status;
	INSERT INTO key_counts VALUES (new.status, 1) ON CONFLICT DO UPDATE SET keys = keys + 1;
END;
-- +goose StatementEnd

-- The terms of the text index can be looked through, so that one or two letters that few keys have
-- are found by the terms that begin with them. That these are all, texts end in two empty lines there.
INSERT OR REPLACE INTO key_text (rowid, text) SELECT n, text || char(10, 10) FROM keys;
CREATE VIRTUAL TABLE key_terms USING fts5vocab (key_text, row);

-- Rows that were not what had been written, as they were found when the database was repaired. Nothing reads them.
CREATE TABLE quarantine (
	n     INTEGER PRIMARY KEY,
	at    INTEGER NOT NULL,
	kind  TEXT    NOT NULL, -- the table
	id    TEXT    NOT NULL,
	name  TEXT    NOT NULL,
	wrong TEXT    NOT NULL,
	doc   BLOB    NOT NULL
) STRICT;
