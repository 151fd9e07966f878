-- Writes events that a sink set aside down before they are discarded.
INSERT INTO dray.discarded (source, dead_id, event_id, subject, key, headers, payload, error, since,
	discarded_by, reason)
SELECT $2, stream || '/' || epoch || '/' || seq, msg_id, subject, key, headers, payload, error, failed_at, $3, $4
FROM dray.sink_dead WHERE sink = $5
	AND stream || '/' || epoch || '/' || seq IN (SELECT value FROM json_array_elements_text($1::json))
ORDER BY stream, epoch, seq FOR UPDATE
