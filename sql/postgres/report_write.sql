-- Renews a pipeline's row for dray status.
INSERT INTO dray.pipeline (name, kind, holder, state, resource, events, rate, backlog, lag_ms, dead, stuck,
	last_error, last_error_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6::bigint, $7::float8, $8::bigint, $9::bigint, $10::bigint, $11::bigint,
	$12, $13::timestamptz, clock_timestamp())
ON CONFLICT (name, kind) DO UPDATE
SET holder = excluded.holder, state = excluded.state, resource = excluded.resource,
	events = excluded.events, rate = excluded.rate, backlog = excluded.backlog,
	lag_ms = excluded.lag_ms, dead = excluded.dead, stuck = excluded.stuck,
	last_error = excluded.last_error, last_error_at = excluded.last_error_at,
	updated_at = excluded.updated_at
