-- Reads history from an outbox in id order, past a cursor: at most a number of rows and of payload bytes (one
-- row at least). What is not asked for is NULL.
SELECT id, event_id::text, subject, key, headers::text, payload
FROM (
	SELECT *, sum(octet_length(payload)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) - octet_length(payload) AS before
	FROM (
		SELECT id, event_id, subject, key, headers, payload FROM {table}
		WHERE id > $1::bigint AND id <= $2::bigint AND id >= $3::bigint AND id <= $4::bigint
			AND ($5::timestamptz IS NULL OR created_at >= $5) AND ($6::timestamptz IS NULL OR created_at < $6)
			AND ($7::text IS NULL OR subject ~ $7) AND ($8::text IS NULL OR key = $8)
			AND ($9::text IS NULL OR state = $9)
		ORDER BY id LIMIT $10
	) AS found
) AS counted WHERE before < $11::bigint
