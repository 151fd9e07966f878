-- Writes events that a sink set aside down before they are discarded.
INSERT INTO dray_discarded (source, dead_id, event_id, subject, key, headers, payload, error, since,
	discarded_by, reason)
SELECT ?2, stream || '/' || epoch || '/' || seq, msg_id, subject, key, headers, payload, error, failed_at, ?3, ?4
FROM dray_sink_dead WHERE sink = ?5
	AND stream || '/' || epoch || '/' || seq IN (SELECT value FROM json_each(?1))
ORDER BY stream, epoch, seq
