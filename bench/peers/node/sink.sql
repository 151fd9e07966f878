CREATE TABLE events (
	seq          bigint PRIMARY KEY,
	subject      text NOT NULL,
	key          text,
	msg_id       text,
	payload      bytea NOT NULL,
	published_at timestamptz NOT NULL
);
