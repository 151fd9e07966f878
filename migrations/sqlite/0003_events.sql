-- An archive of a stream.
CREATE TABLE {table} (
	stream       TEXT NOT NULL,
	epoch        INTEGER NOT NULL,
	seq          INTEGER NOT NULL,
	subject      TEXT NOT NULL,
	key          TEXT,
	msg_id       TEXT,
	headers      TEXT,
	payload      BLOB NOT NULL,
	published_at TEXT NOT NULL,
	PRIMARY KEY (stream, epoch, seq)
) WITHOUT ROWID;
