-- A page of an outbox's dead rows, behind an id; with $3 their headers too, and so many bytes of their payloads.
SELECT id, event_id, subject, key, attempts, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
	(extract(epoch FROM clock_timestamp() - created_at) * 1000)::bigint, last_error, octet_length(payload),
	CASE WHEN $3::bigint > 0 THEN headers END, encode(substring(payload FROM 1 FOR $3::int), 'hex')
FROM {table} WHERE state = 'dead' AND (state, id) > ('dead', coalesce($1::bigint, -9223372036854775808))
ORDER BY state, id LIMIT $2::bigint
