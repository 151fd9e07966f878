-- What the processes that run pipelines said last.
SELECT name, kind, holder, state, resource, events, round(rate::numeric, 1), backlog, lag_ms, dead, stuck,
	last_error, to_char(last_error_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
	to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
	(extract(epoch FROM now() - updated_at) * 1000)::bigint
FROM dray.pipeline ORDER BY kind, name
