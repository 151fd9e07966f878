-- The usual read of an outbox: new rows alone. As in outbox_read.sql, but that a row which is not due comes with
-- headers and payload: just once, since the cursor moves past it.
-- The limit is of rows; where those have more payload bytes than $3, it is of as many as begin within them. Summing
-- up first costs less than carrying every row through a window.
SELECT 1 AS source, id, event_id, subject, key, attempts, created_at, available_at, retry_at, statement_timestamp() AS at,
	headers, payload, octet_length(payload) AS size
FROM {table} WHERE state <> 'delivered' AND (state, id) > ('pending', $1::bigint)
	AND (state, id) <= ('pending', 9223372036854775807)
ORDER BY state, id LIMIT CASE WHEN (
	SELECT coalesce(sum(octet_length(payload)) <= $3::bigint, true) FROM (
		SELECT payload FROM {table} WHERE state <> 'delivered' AND (state, id) > ('pending', $1)
			AND (state, id) <= ('pending', 9223372036854775807)
		ORDER BY state, id LIMIT $2::bigint
	) AS near
) THEN $2 ELSE (
	SELECT count(*) FROM (
		SELECT sum(size) OVER (ORDER BY state, id ROWS UNBOUNDED PRECEDING) - size AS before FROM (
			SELECT state, id, octet_length(payload) AS size
			FROM {table} WHERE state <> 'delivered' AND (state, id) > ('pending', $1)
				AND (state, id) <= ('pending', 9223372036854775807)
			ORDER BY state, id LIMIT $2
		) AS near
	) AS counted WHERE before < $3
) END
