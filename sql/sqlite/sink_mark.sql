-- Notes the newest stored event, one a second.
INSERT INTO dray_sink_mark (sink, stream, epoch, second, seq, subject, msg_id, published_at)
VALUES (?1, ?2, ?3, CAST(strftime('%s', 'now') AS INTEGER), ?4, ?5, ?6, ?7)
ON CONFLICT (sink, stream, epoch, second) DO UPDATE
SET seq = excluded.seq, subject = excluded.subject, msg_id = excluded.msg_id, published_at = excluded.published_at
