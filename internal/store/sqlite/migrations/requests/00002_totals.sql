-- What many keys come to together is asked for all the time, and follows from very many rows of
-- sums: so it is summed up further. Totals are of all keys, months of one key each.

-- +goose Up
CREATE TABLE totals_hour (
	at           INTEGER NOT NULL,
	model        TEXT    NOT NULL,
	provider     TEXT    NOT NULL,
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
	PRIMARY KEY (at, model, provider)
) STRICT, WITHOUT ROWID;

CREATE TABLE totals_day (
	at           INTEGER NOT NULL,
	model        TEXT    NOT NULL,
	provider     TEXT    NOT NULL,
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
	PRIMARY KEY (at, model, provider)
) STRICT, WITHOUT ROWID;

-- Months begin in UTC.
CREATE TABLE key_months (
	at           INTEGER NOT NULL,
	key          TEXT    NOT NULL,
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
	PRIMARY KEY (at, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_months_cost ON key_months (at, cost, key);

INSERT INTO totals_hour SELECT at, model, provider, sum(requests), sum(refused), sum(failed), sum(input), sum(output), sum(cache_read), sum(cache_write),
	sum(reasoning), sum(input_audio), sum(output_audio), sum(cost), sum(unpriced), sum(duration) FROM sums_hour GROUP BY at, model, provider;
INSERT INTO totals_day SELECT at, model, provider, sum(requests), sum(refused), sum(failed), sum(input), sum(output), sum(cache_read), sum(cache_write),
	sum(reasoning), sum(input_audio), sum(output_audio), sum(cost), sum(unpriced), sum(duration) FROM sums_day GROUP BY at, model, provider;
-- Of a column that is not summed up SQLite takes the value from the row that has the maximum.
INSERT INTO key_months SELECT month, key, name, requests, refused, failed, input, output, cache_read, cache_write, reasoning, input_audio, output_audio,
	cost, unpriced, duration
FROM (
	SELECT unixepoch(at, 'unixepoch', 'start of month') AS month, key, name, max(at), sum(requests) AS requests, sum(refused) AS refused, sum(failed) AS failed,
		sum(input) AS input, sum(output) AS output, sum(cache_read) AS cache_read, sum(cache_write) AS cache_write, sum(reasoning) AS reasoning,
		sum(input_audio) AS input_audio, sum(output_audio) AS output_audio, sum(cost) AS cost, sum(unpriced) AS unpriced, sum(duration) AS duration
	FROM sums_day GROUP BY month, key
);
