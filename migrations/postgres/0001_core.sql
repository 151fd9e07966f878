-- What every relay and sink needs, whichever tables they work on.
CREATE SCHEMA IF NOT EXISTS dray;

CREATE TABLE IF NOT EXISTS dray.schema_version (
	version    int NOT NULL,
	target     text NOT NULL,           -- the table it was applied to; '' for none
	name       text NOT NULL,
	checksum   text NOT NULL,           -- of the migration's text
	applied_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (version, target)
);

-- Who may work on an outbox or a sink. Every new holder gets a higher epoch.
CREATE TABLE dray.lease (
	resource   text PRIMARY KEY,        -- outbox:TABLE or sink:NAME
	holder     text NOT NULL,
	epoch      bigint NOT NULL,
	expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Every own message of a relay up to seq is settled.
CREATE TABLE dray.relay_position (
	relay   text NOT NULL,              -- the outbox that is relayed, as in lease.resource
	stream  text NOT NULL,
	created text NOT NULL,              -- when the stream was made: tells a stream made anew
	seq     bigint NOT NULL,
	PRIMARY KEY (relay, stream)
) WITH (fillfactor = 50);

-- Every event of a stream up to seq is stored or set aside.
CREATE TABLE dray.sink_position (
	sink    text NOT NULL,
	stream  text NOT NULL,
	created text NOT NULL,
	epoch   bigint NOT NULL,            -- how often the stream was made anew
	seq     bigint NOT NULL,
	PRIMARY KEY (sink, stream)
) WITH (fillfactor = 50);

-- Events that could not be stored, kept for a person.
CREATE TABLE dray.sink_dead (
	sink      text NOT NULL,
	stream    text NOT NULL,
	epoch     bigint NOT NULL,
	seq       bigint NOT NULL,
	subject   text NOT NULL,
	key       text,
	headers   jsonb,
	payload   bytea NOT NULL,
	error     text NOT NULL,
	failed_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (sink, stream, epoch, seq)
);

-- What dray status reads: a row a pipeline, renewed by the process that runs it.
CREATE TABLE dray.pipeline (
	name          text NOT NULL,
	kind          text NOT NULL CHECK (kind IN ('relay', 'sink')),
	holder        text NOT NULL,        -- host and process
	state         text NOT NULL,        -- running, waiting, stopped
	resource      text NOT NULL,        -- the table or the stream
	events        bigint NOT NULL,      -- since the process started
	rate          double precision NOT NULL, -- events a second, lately
	backlog       bigint,               -- a sink's: events in the stream behind its position
	lag_ms        bigint,               -- age of the newest event when it was delivered or stored
	dead          bigint NOT NULL,      -- given up since the process started
	stuck         bigint NOT NULL,      -- keys held by a failing event
	last_error    text,
	last_error_at timestamptz,
	updated_at    timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (name, kind)
) WITH (fillfactor = 50);

-- The doorbell: rings only when the relay sleeps, since NOTIFY takes a cluster-wide lock at commit. The
-- relay holds this lock exclusively while it sleeps, so a writer that gets it shared need not ring. A
-- queue that fills up (some listener is stuck) must never make a writer fail.
CREATE FUNCTION dray.ring() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NOT pg_try_advisory_xact_lock_shared(1685217657, (TG_RELID::bigint & 2147483647)::int)
		AND pg_notification_queue_usage() < 0.1
	THEN
		PERFORM pg_notify('dray_' || TG_RELID::text, '');
	END IF;
	RETURN NULL;
END
$$;
