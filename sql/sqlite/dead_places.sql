-- Where rows stand in their order: each with whether a later one waits, of its key or (?2) of any.
WITH chosen AS MATERIALIZED (
	SELECT id, key FROM {table} WHERE id IN (SELECT value FROM json_each(?1))
), last AS MATERIALIZED (
	SELECT key, max(id) AS id FROM {table} WHERE state = 'pending' AND state <> 'delivered'
		AND (?2 = 't' OR key IN (SELECT key FROM chosen)) GROUP BY key
)
SELECT chosen.id, CASE WHEN chosen.key IS NULL AND ?2 <> 't' THEN 't' ELSE 'f' END,
	CASE WHEN chosen.id < CASE WHEN ?2 = 't' THEN (SELECT max(id) FROM last) ELSE last.id END THEN 't' ELSE 'f' END
FROM chosen LEFT JOIN last ON last.key = chosen.key ORDER BY chosen.id
