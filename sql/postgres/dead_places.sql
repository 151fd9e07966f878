-- Where rows stand in their order: each with whether a later one waits, of its key or ($2) of any.
WITH rows AS MATERIALIZED (
	SELECT id, key FROM {table} WHERE id IN (SELECT value::bigint FROM json_array_elements_text($1::json))
), last AS (
	SELECT key, max(id) AS id FROM {table}
	WHERE state = 'pending' AND ($2::bool OR key IN (SELECT key FROM rows)) GROUP BY key
)
SELECT rows.id, rows.key IS NULL AND NOT $2::bool,
	coalesce(rows.id < CASE WHEN $2::bool THEN (SELECT max(id) FROM last) ELSE last.id END, false)
FROM rows LEFT JOIN last ON last.key = rows.key ORDER BY rows.id
