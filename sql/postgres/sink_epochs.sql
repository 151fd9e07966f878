-- The epoch that some sink knows a stream of this creation by, or none; and the highest epoch that was ever
-- used for a stream of this name, or none.
SELECT (SELECT max(epoch) FROM dray.sink_position WHERE stream = $1 AND created = $2),
	greatest((SELECT max(epoch) FROM dray.sink_position WHERE stream = $1),
		(SELECT max(epoch) FROM {table} WHERE stream = $1))
