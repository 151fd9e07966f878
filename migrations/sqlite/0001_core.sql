-- What every relay and sink needs, whichever tables they work on.
CREATE TABLE IF NOT EXISTS dray_schema_version (
	version    INTEGER NOT NULL,
	target     TEXT NOT NULL,           -- the table it was applied to; '' for none
	name       TEXT NOT NULL,
	checksum   TEXT NOT NULL,           -- of the migration's text
	applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	PRIMARY KEY (version, target)
) WITHOUT ROWID;

-- Who may work on an outbox or a sink. Every new holder gets a higher epoch.
CREATE TABLE dray_lease (
	resource   TEXT PRIMARY KEY,        -- outbox:TABLE or sink:NAME
	holder     TEXT NOT NULL,
	epoch      INTEGER NOT NULL,
	expires_at TEXT NOT NULL
) WITHOUT ROWID;

-- Every own message of a relay up to seq is settled.
CREATE TABLE dray_relay_position (
	relay   TEXT NOT NULL,              -- the outbox that is relayed, as in lease.resource
	stream  TEXT NOT NULL,
	created TEXT NOT NULL,              -- when the stream was made: tells a stream made anew
	seq     INTEGER NOT NULL,
	PRIMARY KEY (relay, stream)
) WITHOUT ROWID;

-- Every event of a stream up to seq is stored or set aside.
CREATE TABLE dray_sink_position (
	sink    TEXT NOT NULL,
	stream  TEXT NOT NULL,
	created TEXT NOT NULL,
	epoch   INTEGER NOT NULL,           -- how often the stream was made anew
	seq     INTEGER NOT NULL,
	PRIMARY KEY (sink, stream)
) WITHOUT ROWID;

-- Events that could not be stored, kept for a person.
CREATE TABLE dray_sink_dead (
	sink      TEXT NOT NULL,
	stream    TEXT NOT NULL,
	epoch     INTEGER NOT NULL,
	seq       INTEGER NOT NULL,
	subject   TEXT NOT NULL,
	key       TEXT,
	headers   TEXT,
	payload   BLOB NOT NULL,
	error     TEXT NOT NULL,
	failed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	PRIMARY KEY (sink, stream, epoch, seq)
);

-- What dray status reads: a row a pipeline, renewed by the process that runs it.
CREATE TABLE dray_pipeline (
	name          TEXT NOT NULL,
	kind          TEXT NOT NULL CHECK (kind IN ('relay', 'sink')),
	holder        TEXT NOT NULL,        -- host and process
	state         TEXT NOT NULL,        -- running, waiting, stopped
	resource      TEXT NOT NULL,        -- the table or the stream
	events        INTEGER NOT NULL,     -- since the process started
	rate          REAL NOT NULL,        -- events a second, lately
	backlog       INTEGER,              -- a sink's: events in the stream behind its position
	lag_ms        INTEGER,              -- age of the newest event when it was delivered or stored
	dead          INTEGER NOT NULL,     -- given up since the process started
	stuck         INTEGER NOT NULL,     -- keys held by a failing event
	last_error    TEXT,
	last_error_at TEXT,
	updated_at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	PRIMARY KEY (name, kind)
) WITHOUT ROWID;
