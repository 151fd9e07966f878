-- Discards events that a sink set aside.
DELETE FROM dray_sink_dead WHERE sink = ?2
	AND stream || '/' || epoch || '/' || seq IN (SELECT value FROM json_each(?1))
