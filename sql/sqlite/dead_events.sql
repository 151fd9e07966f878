-- A page of the events that a sink set aside (?4), behind one (?1, ?5, ?6); with ?3 their headers too, so
-- many bytes of their payloads, and when the stream stored them.
SELECT stream || '/' || epoch || '/' || seq, msg_id, subject, key, NULL, failed_at,
	CAST(round((julianday('now') - julianday(failed_at)) * 86400000) AS INTEGER), error,
	length(CAST(payload AS BLOB)), iif(?3 IS NULL, NULL, headers),
	iif(?3 IS NULL, NULL, hex(substr(CAST(payload AS BLOB), 1, CAST(?3 AS INTEGER)))),
	CAST(round((julianday(coalesce(published_at, failed_at)) - 2440587.5) * 86400000) AS INTEGER) * 1000
FROM dray_sink_dead
WHERE sink = ?4 AND (?1 IS NULL OR (stream, epoch, seq) > (?1, CAST(?5 AS INTEGER), CAST(?6 AS INTEGER)))
ORDER BY stream, epoch, seq LIMIT CAST(?2 AS INTEGER)
