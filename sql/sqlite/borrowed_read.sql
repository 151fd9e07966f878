-- Rows of a table that Dray did not make: some of those to deliver, in their order, up to a number (?2) and to
-- payload bytes (?3), one at least.
SELECT id, place, event_id, subject, key, headers, hex(payload), created, attempts, wait
FROM (
	SELECT *, sum(length(payload)) OVER (ORDER BY number ROWS UNBOUNDED PRECEDING) - length(payload) AS before
	FROM (
		SELECT *, row_number() OVER () AS number
		FROM (
			SELECT CAST({id} AS text) AS id, CAST({order} AS text) AS place, coalesce({event_id}, '') AS event_id,
				coalesce({subject}, '') AS subject, {key} AS key,
				json_patch('{}', json_object({headers})) AS headers, coalesce(CAST({payload} AS BLOB), x'') AS payload,
				CAST((julianday({created_at}) - 2440587.5) * 86400000 AS INTEGER) AS created,
				coalesce(n.attempts, 0) AS attempts,
				coalesce(CAST((julianday(n.retry_at) - julianday('now')) * 86400000 AS INTEGER), 0) AS wait
			FROM {table} AS t LEFT JOIN dray_borrowed_row AS n ON n.relay = ?1 AND n.row_id = CAST({id} AS text)
			WHERE {pending} AND NOT coalesce(n.dead, 0) AND {which}
			ORDER BY {order}, {id} LIMIT CAST(?2 AS INTEGER)
		) AS found
	) AS numbered
) AS counted
WHERE before < CAST(?3 AS INTEGER) ORDER BY number
