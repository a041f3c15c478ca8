-- Times are microseconds since 1970. A doc is the whole thing as JSON; the columns
-- beside it repeat what is looked up and sorted by.

-- +goose Up
CREATE TABLE keys (
	n            INTEGER PRIMARY KEY,
	id           TEXT    NOT NULL UNIQUE,
	name         TEXT    NOT NULL UNIQUE,
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

CREATE INDEX keys_created  ON keys (created_at, id);
CREATE INDEX keys_used     ON keys (last_used_at, id);
CREATE INDEX keys_expiring ON keys (expires_at, id, status);

CREATE INDEX keys_status_name     ON keys (status, name);
CREATE INDEX keys_status_created  ON keys (status, created_at, id);
CREATE INDEX keys_status_used     ON keys (status, last_used_at, id);
CREATE INDEX keys_status_expiring ON keys (status, expires_at, id);

-- Few keys are declared in a file or have no limits: these indexes cost the others nothing.
CREATE INDEX keys_declared         ON keys (origin)                   WHERE origin <> 'managed';
CREATE INDEX keys_uncapped         ON keys (uncapped)                 WHERE uncapped = 1;

-- Rows of a trigram index point to keys.n. It finds candidates; keys.text decides.
CREATE VIRTUAL TABLE key_text USING fts5 (text, content = '', contentless_delete = 1, tokenize = 'trigram', detail = none);

CREATE TABLE key_secrets (
	digest   BLOB    NOT NULL,
	peppered INTEGER NOT NULL,
	n        INTEGER NOT NULL REFERENCES keys ON DELETE CASCADE,
	PRIMARY KEY (digest, peppered)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_secrets_n ON key_secrets (n);

CREATE TABLE key_labels (
	name  TEXT    NOT NULL,
	value TEXT    NOT NULL,
	n     INTEGER NOT NULL REFERENCES keys ON DELETE CASCADE,
	PRIMARY KEY (name, value, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_labels_n ON key_labels (n);

CREATE TABLE limits (
	id      TEXT    PRIMARY KEY,
	name    TEXT    NOT NULL UNIQUE,
	version INTEGER NOT NULL,
	doc     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE credentials (
	id      TEXT    PRIMARY KEY,
	name    TEXT    NOT NULL UNIQUE,
	version INTEGER NOT NULL,
	doc     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
	id           TEXT    PRIMARY KEY,
	name         TEXT    NOT NULL UNIQUE,
	version      INTEGER NOT NULL,
	doc          TEXT    NOT NULL,
	digest       BLOB    UNIQUE,
	last_used_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- A line is the event as it is exported, hash and all.
CREATE TABLE events (
	seq         INTEGER PRIMARY KEY,
	at          INTEGER NOT NULL,
	actor_id    TEXT    NOT NULL,
	actor_name  TEXT    NOT NULL,
	action      TEXT    NOT NULL,
	target_kind TEXT    NOT NULL,
	target_id   TEXT    NOT NULL,
	outcome     TEXT    NOT NULL,
	line        TEXT    NOT NULL
) STRICT;
CREATE INDEX events_target ON events (target_id);
CREATE INDEX events_actor  ON events (actor_id);
CREATE INDEX events_action ON events (action);

CREATE TABLE answers (
	key     TEXT    PRIMARY KEY,
	request BLOB    NOT NULL,
	body    BLOB    NOT NULL,
	at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_at ON answers (at);

CREATE TABLE settings (
	name  TEXT PRIMARY KEY,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
	seq   INTEGER PRIMARY KEY,
	bytes BLOB    NOT NULL
) STRICT;

CREATE TABLE ledger_checkpoints (
	n     INTEGER PRIMARY KEY,
	bytes BLOB    NOT NULL
) STRICT;
