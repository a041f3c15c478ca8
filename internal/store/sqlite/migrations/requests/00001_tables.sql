-- The requests of a day are in a table of their own, requests_20261121, which the first
-- of them makes: packed into blocks. Here are the sums. Times are seconds since 1970, of the beginning
-- of the hour or day.

-- +goose Up
CREATE TABLE sums_hour (
	at           INTEGER NOT NULL,
	key          TEXT    NOT NULL,
	labels       TEXT    NOT NULL, -- JSON, in the order of names
	model        TEXT    NOT NULL,
	provider     TEXT    NOT NULL,
	name         TEXT    NOT NULL, -- of the key, as it was last
	requests     INTEGER NOT NULL,
	refused      INTEGER NOT NULL,
	failed       INTEGER NOT NULL,
	input        INTEGER NOT NULL,
	output       INTEGER NOT NULL,
	cache_read   INTEGER NOT NULL,
	cache_write  INTEGER NOT NULL,
	reasoning    INTEGER NOT NULL,
	input_audio  INTEGER NOT NULL,
	output_audio INTEGER NOT NULL,
	cost         INTEGER NOT NULL, -- nano-dollars
	unpriced     INTEGER NOT NULL,
	duration     INTEGER NOT NULL, -- nanoseconds
	PRIMARY KEY (at, key, labels, model, provider)
) STRICT, WITHOUT ROWID;

CREATE TABLE sums_day (
	at           INTEGER NOT NULL,
	key          TEXT    NOT NULL,
	labels       TEXT    NOT NULL,
	model        TEXT    NOT NULL,
	provider     TEXT    NOT NULL,
	name         TEXT    NOT NULL,
	requests     INTEGER NOT NULL,
	refused      INTEGER NOT NULL,
	failed       INTEGER NOT NULL,
	input        INTEGER NOT NULL,
	output       INTEGER NOT NULL,
	cache_read   INTEGER NOT NULL,
	cache_write  INTEGER NOT NULL,
	reasoning    INTEGER NOT NULL,
	input_audio  INTEGER NOT NULL,
	output_audio INTEGER NOT NULL,
	cost         INTEGER NOT NULL,
	unpriced     INTEGER NOT NULL,
	duration     INTEGER NOT NULL,
	PRIMARY KEY (at, key, labels, model, provider)
) STRICT, WITHOUT ROWID;

-- Hours before this one are no longer kept: days stand for them.
CREATE TABLE hours_kept (since INTEGER NOT NULL) STRICT;
INSERT INTO hours_kept VALUES (0);

-- Up to which record the sums tell of the requests of a day; what comes after it is summed up when
-- the database is opened.
CREATE TABLE summed (
	day   TEXT    PRIMARY KEY, -- its table
	seq   INTEGER NOT NULL,    -- of the block
	count INTEGER NOT NULL     -- of the records in the block
) STRICT, WITHOUT ROWID;
