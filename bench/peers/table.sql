-- An outbox as a team writes it: what is not published is found by a partial index.
CREATE TABLE outbox (
	id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	event_id     uuid NOT NULL DEFAULT gen_random_uuid(),
	subject      text NOT NULL,
	key          text,
	payload      bytea NOT NULL,
	created_at   timestamptz NOT NULL DEFAULT now(),
	published_at timestamptz
);
CREATE INDEX ON outbox (id) WHERE published_at IS NULL;
