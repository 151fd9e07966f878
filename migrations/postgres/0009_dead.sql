-- What an event that was set aside needs to be stored after all.
ALTER TABLE dray.sink_dead ADD COLUMN msg_id text;
ALTER TABLE dray.sink_dead ADD COLUMN published_at timestamptz;

-- What dray dead discard took away: the whole of it, who did it, and why.
CREATE TABLE dray.discarded (
	id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	source       text NOT NULL,         -- outbox:TABLE or sink:NAME
	dead_id      text NOT NULL,         -- as dray dead list has it: ID or STREAM/EPOCH/SEQ
	event_id     text,                  -- Nats-Msg-Id
	subject      text NOT NULL,
	key          text,
	headers      jsonb,
	payload      bytea NOT NULL,
	error        text,
	attempts     int,
	since        timestamptz NOT NULL,  -- a row: when it was written; an event: when it was set aside
	discarded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	discarded_by text NOT NULL,         -- USER@HOST of the command
	reason       text NOT NULL
);
