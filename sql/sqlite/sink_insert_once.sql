-- Notes an event as stored, unless it is: a durable gives events again.
INSERT INTO dray_sink_version (sink, stream, key, epoch, version, deleted) VALUES (?1, ?2, ?3, ?4, ?5, 0)
ON CONFLICT (sink, stream, key) DO NOTHING
