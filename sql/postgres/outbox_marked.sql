-- Which row was marked delivered last into a stream, among the newest rows and those before the first that is
-- pending.
SELECT stream_seq, event_id::text FROM (
	(SELECT state, stream, stream_seq, event_id, delivered_at FROM {table} ORDER BY id DESC LIMIT 100)
	UNION ALL
	(SELECT state, stream, stream_seq, event_id, delivered_at FROM {table}
		WHERE id < (SELECT id FROM {table} WHERE state = 'pending' ORDER BY id LIMIT 1)
		ORDER BY id DESC LIMIT 100)
) AS late
WHERE state = 'delivered' AND stream = $1 AND stream_seq > 0
ORDER BY delivered_at DESC, stream_seq DESC LIMIT 1
