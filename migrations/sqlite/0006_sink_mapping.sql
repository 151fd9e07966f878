-- What a sink keeps beside a table that is not Dray's.

-- The newest version of a key, where the table itself does not tell it. A deleted key stays until it is pruned,
-- so that an older event does not bring it back. Of a sink that inserts from a stream without order, the events
-- that are stored.
CREATE TABLE dray_sink_version (
	sink       TEXT NOT NULL,
	stream     TEXT NOT NULL,
	key        TEXT NOT NULL,           -- the key's columns; or sequence@time of an event
	epoch      INTEGER NOT NULL,
	version    INTEGER NOT NULL,
	deleted    INTEGER NOT NULL,
	changed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	PRIMARY KEY (sink, stream, key)
) WITHOUT ROWID;

-- Events that were stored, the newest of every second of the last hour in which there were some: they tell
-- whether the stream still holds what it gave.
CREATE TABLE dray_sink_mark (
	sink         TEXT NOT NULL,
	stream       TEXT NOT NULL,
	epoch        INTEGER NOT NULL,
	second       INTEGER NOT NULL,      -- since 1970, when it was stored here
	seq          INTEGER NOT NULL,
	subject      TEXT NOT NULL,
	msg_id       TEXT,
	published_at TEXT NOT NULL,
	PRIMARY KEY (sink, stream, epoch, second)
) WITHOUT ROWID;
