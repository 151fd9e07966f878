-- A page of the events that a sink set aside ($4), behind one ($1, $5, $6); with $3 their
-- headers too, so many bytes of their payloads, and when the stream stored them.
SELECT stream || '/' || epoch || '/' || seq, msg_id, subject, key, NULL,
	to_char(failed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
	(extract(epoch FROM clock_timestamp() - failed_at) * 1000)::bigint, error, octet_length(payload),
	CASE WHEN $3::bigint > 0 THEN headers END, encode(substring(payload FROM 1 FOR $3::int), 'hex'),
	(extract(epoch FROM coalesce(published_at, failed_at)) * 1000000)::bigint
FROM dray.sink_dead
WHERE sink = $4 AND ($1::text IS NULL OR (stream, epoch, seq) > ($1, $5::bigint, $6::bigint))
ORDER BY stream, epoch, seq LIMIT $2::bigint
