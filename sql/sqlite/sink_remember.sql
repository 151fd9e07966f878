-- Notes the version of a key.
INSERT INTO dray_sink_version (sink, stream, key, epoch, version, deleted) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (sink, stream, key) DO UPDATE
SET epoch = excluded.epoch, version = excluded.version, deleted = excluded.deleted,
	changed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
