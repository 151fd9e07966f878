-- The epoch that some sink knows a stream of this creation by, or none; and the highest epoch that was ever
-- used for a stream of this name, or none.
SELECT (SELECT max(epoch) FROM dray_sink_position WHERE stream = ?1 AND created = ?2),
	(SELECT max(epoch) FROM (SELECT max(epoch) AS epoch FROM dray_sink_position WHERE stream = ?1
		UNION ALL SELECT max(epoch) FROM {table} WHERE stream = ?1))
