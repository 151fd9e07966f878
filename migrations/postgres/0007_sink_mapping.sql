-- What a sink keeps beside a table that is not Dray's.

-- The newest version of a key, where the table itself does not tell it. A deleted key stays until it is pruned,
-- so that an older event does not bring it back. Of a sink that inserts from a stream without order, the events
-- that are stored.
CREATE TABLE dray.sink_version (
	sink       text NOT NULL,
	stream     text NOT NULL,
	key        text NOT NULL,           -- the key's columns as a row; or sequence@time of an event
	epoch      bigint NOT NULL,
	version    bigint NOT NULL,
	deleted    boolean NOT NULL,
	changed_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (sink, stream, key)
) WITH (fillfactor = 70);

-- Events that were stored, the newest of every second of the last hour in which there were some: they tell
-- whether the stream still holds what it gave.
CREATE TABLE dray.sink_mark (
	sink         text NOT NULL,
	stream       text NOT NULL,
	epoch        bigint NOT NULL,
	second       bigint NOT NULL,       -- since 1970, when it was stored here
	seq          bigint NOT NULL,
	subject      text NOT NULL,
	msg_id       text,
	published_at timestamptz NOT NULL,
	PRIMARY KEY (sink, stream, epoch, second)
) WITH (fillfactor = 50);
