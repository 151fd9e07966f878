-- Forgets which events are stored, up to a sequence: they never come again. Keys of rows begin with no digit.
DELETE FROM dray_sink_version
WHERE sink = ?1 AND stream = ?2 AND epoch = CAST(?3 AS bigint) AND version <= CAST(?4 AS bigint)
	AND key LIKE CAST(version AS text) || '@%'
