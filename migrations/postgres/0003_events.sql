-- An archive of a stream.
CREATE TABLE {table} (
	stream       text NOT NULL,
	epoch        bigint NOT NULL,
	seq          bigint NOT NULL,
	subject      text NOT NULL,
	key          text,
	msg_id       text,
	headers      jsonb,
	payload      bytea NOT NULL,
	published_at timestamptz NOT NULL,
	PRIMARY KEY (stream, epoch, seq)
);
