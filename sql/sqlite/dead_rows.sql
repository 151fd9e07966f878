-- A page of an outbox's dead rows, behind an id; with ?3 their headers and payload too.
SELECT id, event_id, subject, key, attempts, created_at,
	CAST(round((julianday('now') - julianday(created_at)) * 86400000) AS INTEGER), last_error,
	length(CAST(payload AS BLOB)), CASE WHEN ?3 = 't' THEN headers END, CASE WHEN ?3 = 't' THEN hex(payload) END
FROM {table} WHERE state = 'dead' AND state <> 'delivered' AND id > coalesce(CAST(?1 AS INTEGER), -9223372036854775808)
ORDER BY id LIMIT CAST(?2 AS INTEGER)
