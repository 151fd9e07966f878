-- Moves a sink to the beginning of a new epoch, if it still stands where it stood.
UPDATE dray.sink_position SET created = $3, epoch = $4::bigint, seq = 0
WHERE sink = $1 AND stream = $2 AND created = $5 AND epoch = $6::bigint AND seq = $7::bigint
