-- Moves a sink into a new epoch, if it still stands where it stood.
UPDATE dray_sink_position SET created = ?3, epoch = CAST(?4 AS INTEGER), seq = CAST(?8 AS INTEGER)
WHERE sink = ?1 AND stream = ?2 AND created = ?5 AND epoch = CAST(?6 AS INTEGER)
	AND seq = CAST(?7 AS INTEGER)
