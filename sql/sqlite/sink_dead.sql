-- Sets one event of a batch aside.
INSERT INTO dray_sink_dead (sink, stream, epoch, seq, subject, key, headers, payload, error, msg_id, published_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT (sink, stream, epoch, seq) DO NOTHING
