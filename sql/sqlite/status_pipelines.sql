-- What the processes that run pipelines said last.
SELECT name, kind, holder, state, resource, events, round(rate, 1), backlog, lag_ms, dead, stuck,
	last_error, last_error_at, updated_at,
	CAST(round((julianday('now') - julianday(updated_at)) * 86400000) AS INTEGER)
FROM dray_pipeline ORDER BY kind, name
