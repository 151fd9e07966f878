-- The first position of a sink in a stream.
INSERT INTO dray.sink_position (sink, stream, created, epoch, seq)
VALUES ($1, $2, $3, $4::bigint, $5::bigint)
ON CONFLICT (sink, stream) DO NOTHING
