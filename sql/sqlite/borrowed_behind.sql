-- The ids of rows to deliver that are not behind the cursor. It takes the parameters of borrowed_read.
SELECT CAST({id} AS text)
FROM {table} AS t LEFT JOIN dray_borrowed_row AS n ON n.relay = ?1 AND n.row_id = CAST({id} AS text)
WHERE {pending} AND NOT coalesce(n.dead, 0) AND ({which}) IS NOT TRUE
ORDER BY {order}, {id}
