-- Renews a pipeline's row for dray status.
INSERT INTO dray_pipeline (name, kind, holder, state, resource, events, rate, backlog, lag_ms, dead, stuck,
	last_error, last_error_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
	?12, ?13, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
ON CONFLICT (name, kind) DO UPDATE
SET holder = excluded.holder, state = excluded.state, resource = excluded.resource,
	events = excluded.events, rate = excluded.rate, backlog = excluded.backlog,
	lag_ms = excluded.lag_ms, dead = excluded.dead, stuck = excluded.stuck,
	last_error = excluded.last_error, last_error_at = excluded.last_error_at,
	updated_at = excluded.updated_at
