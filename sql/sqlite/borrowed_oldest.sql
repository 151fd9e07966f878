-- How many rows wait to be delivered, and when the oldest of them was written, in milliseconds since 1970.
SELECT count(*), min(CAST((julianday({created_at}) - 2440587.5) * 86400000 AS INTEGER))
FROM {table} AS t LEFT JOIN dray_borrowed_row AS n ON n.relay = ?1 AND n.row_id = CAST({id} AS text)
WHERE {pending} AND NOT coalesce(n.dead, 0)
