-- An outbox: applications insert, the relay marks.
CREATE TABLE {table} (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	event_id     TEXT NOT NULL DEFAULT (
		lower(hex(randomblob(4))) || '-' || lower(hex(randomblob(2))) || '-4' ||
		substr(lower(hex(randomblob(2))), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) ||
		substr(lower(hex(randomblob(2))), 2) || '-' || lower(hex(randomblob(6)))),
	subject      TEXT NOT NULL,
	key          TEXT,
	headers      TEXT,
	payload      BLOB NOT NULL,
	created_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
		CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'),
	available_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
		CHECK (available_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'),
	state        TEXT NOT NULL DEFAULT 'pending'
		CHECK (state = 'pending' OR state = 'delivered' OR state = 'dead'),
	attempts     INTEGER NOT NULL DEFAULT 0,
	retry_at     TEXT,
	last_error   TEXT,
	delivered_at TEXT,
	stream       TEXT,
	stream_seq   INTEGER
);

-- One index for what is not settled: reading, the backlog's size, the dead. The other two hold just the
-- rows that failed and the rows that the application scheduled.
CREATE INDEX "{name}_open" ON {table} (state, id) WHERE state <> 'delivered';
CREATE INDEX "{name}_retry" ON {table} (retry_at) WHERE state = 'pending' AND retry_at IS NOT NULL;
CREATE INDEX "{name}_scheduled" ON {table} (available_at)
	WHERE state = 'pending' AND available_at > created_at;
