-- Moves a sink into a new epoch, if it still stands where it stood.
UPDATE dray.sink_position SET created = $3, epoch = $4::bigint, seq = $8::bigint
WHERE sink = $1 AND stream = $2 AND created = $5 AND epoch = $6::bigint AND seq = $7::bigint
