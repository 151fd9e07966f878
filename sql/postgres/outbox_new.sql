-- The usual read of an outbox: new rows alone. As in outbox_read.sql, but that a row which is not due comes with
-- headers and payload: just once, since the cursor moves past it.
-- Summing up the sizes would be a second way through the rows. Instead a payload has its share of the bytes that may
-- be read, $3; where one is larger, it is left out, and outbox_read.sql is asked.
SELECT 1 AS source, id, event_id, subject, key, attempts, created_at, available_at, retry_at, statement_timestamp() AS at,
	headers, CASE WHEN octet_length(payload) <= $3::bigint THEN payload END, octet_length(payload) AS size
FROM {table} WHERE state <> 'delivered' AND (state, id) > ('pending', $1::bigint)
	AND (state, id) <= ('pending', 9223372036854775807)
ORDER BY state, id LIMIT $2::bigint
