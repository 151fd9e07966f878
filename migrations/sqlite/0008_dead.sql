-- What an event that was set aside needs to be stored after all.
ALTER TABLE dray_sink_dead ADD COLUMN msg_id TEXT;
ALTER TABLE dray_sink_dead ADD COLUMN published_at TEXT;

-- What dray dead discard took away: the whole of it, who did it, and why.
CREATE TABLE dray_discarded (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	source       TEXT NOT NULL,         -- outbox:TABLE or sink:NAME
	dead_id      TEXT NOT NULL,         -- as dray dead list has it: ID or STREAM/EPOCH/SEQ
	event_id     TEXT,                  -- Nats-Msg-Id
	subject      TEXT NOT NULL,
	key          TEXT,
	headers      TEXT,
	payload      BLOB NOT NULL,
	error        TEXT,
	attempts     INTEGER,
	since        TEXT NOT NULL,         -- a row: when it was written; an event: when it was set aside
	discarded_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	discarded_by TEXT NOT NULL,         -- USER@HOST of the command
	reason       TEXT NOT NULL
);
