-- Discards events that a sink set aside.
DELETE FROM dray.sink_dead WHERE sink = $2
	AND stream || '/' || epoch || '/' || seq IN (SELECT value FROM json_array_elements_text($1::json))
