-- A page of an outbox's dead rows, behind an id; with ?3 their headers too, and so many bytes of their payloads.
SELECT id, event_id, subject, key, attempts, created_at,
	CAST(round((julianday('now') - julianday(created_at)) * 86400000) AS INTEGER), last_error,
	length(CAST(payload AS BLOB)), iif(?3 IS NULL, NULL, headers),
	iif(?3 IS NULL, NULL, hex(substr(CAST(payload AS BLOB), 1, CAST(?3 AS INTEGER))))
FROM {table} WHERE state = 'dead' AND state <> 'delivered' AND id > coalesce(CAST(?1 AS INTEGER), -9223372036854775808)
ORDER BY id LIMIT CAST(?2 AS INTEGER)
