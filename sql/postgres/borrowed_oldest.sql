-- How many rows wait to be delivered, and when the oldest of them was written, in milliseconds since 1970.
SELECT count(*), min((extract(epoch FROM {created_at}) * 1000)::bigint)
FROM {table} AS t LEFT JOIN dray.borrowed_row AS n ON n.relay = $1 AND n.row_id = CAST({id} AS text)
WHERE {pending} AND NOT coalesce(n.dead, false)
