-- Rows of a table that Dray did not make: some of those to deliver, in their order, up to a number ($2) and to
-- payload bytes ($3), one at least.
SELECT id, place, event_id, subject, key, headers, encode(payload, 'hex'), created, attempts, wait
FROM (
	SELECT *, sum(octet_length(payload)) OVER (ORDER BY number ROWS UNBOUNDED PRECEDING) - octet_length(payload) AS before
	FROM (
		SELECT *, row_number() OVER () AS number
		FROM (
			SELECT CAST({id} AS text) AS id, CAST({order} AS text) AS place, coalesce({event_id}, '') AS event_id,
				coalesce({subject}, '') AS subject, {key} AS key,
				jsonb_strip_nulls(jsonb_build_object({headers})) AS headers, coalesce({payload}, ''::bytea) AS payload,
				(extract(epoch FROM {created_at}) * 1000)::bigint AS created, coalesce(n.attempts, 0) AS attempts,
				coalesce((extract(epoch FROM n.retry_at - clock_timestamp()) * 1000)::bigint, 0) AS wait
			FROM {table} AS t LEFT JOIN dray.borrowed_row AS n ON n.relay = $1 AND n.row_id = CAST({id} AS text)
			WHERE {pending} AND NOT coalesce(n.dead, false) AND {which}
			ORDER BY {order}, {id} LIMIT $2::bigint
		) AS found
	) AS numbered
) AS counted
WHERE before < $3::bigint ORDER BY number
