-- An outbox: applications insert, the relay marks.
CREATE TABLE {table} (
	id           bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
	event_id     uuid NOT NULL DEFAULT gen_random_uuid(),
	subject      text NOT NULL,
	key          text,
	headers      jsonb,
	payload      bytea NOT NULL,
	created_at   timestamptz NOT NULL DEFAULT now(),
	available_at timestamptz NOT NULL DEFAULT now(),
	txid         xid8 DEFAULT pg_current_xact_id(),
	state        text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
	attempts     int NOT NULL DEFAULT 0,
	retry_at     timestamptz,
	last_error   text,
	delivered_at timestamptz,
	stream       text,
	stream_seq   bigint
);

-- One index for what is not settled: sweeps, the backlog's size, the dead. The other two hold just the
-- rows that failed and the rows that the application scheduled.
CREATE INDEX ON {table} (state, id) WHERE state <> 'delivered';
CREATE INDEX ON {table} (retry_at) WHERE state = 'pending' AND retry_at IS NOT NULL;
CREATE INDEX ON {table} (available_at) WHERE state = 'pending' AND available_at > created_at;

CREATE TRIGGER dray_ring AFTER INSERT ON {table}
	FOR EACH STATEMENT EXECUTE FUNCTION dray.ring();
