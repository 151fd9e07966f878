-- Writes dead rows of an outbox down before they are discarded.
INSERT INTO dray.discarded (source, dead_id, event_id, subject, key, headers, payload, error, attempts, since,
	discarded_by, reason)
SELECT $2, id, event_id, subject, key, headers, payload, last_error, attempts, created_at, $3, $4
FROM {table} WHERE state = 'dead' AND id IN (SELECT value::bigint FROM json_array_elements_text($1::json))
ORDER BY id FOR UPDATE
