-- The first position of a sink in a stream.
INSERT INTO dray_sink_position (sink, stream, created, epoch, seq)
VALUES (?1, ?2, ?3, CAST(?4 AS INTEGER), CAST(?5 AS INTEGER))
ON CONFLICT (sink, stream) DO NOTHING
