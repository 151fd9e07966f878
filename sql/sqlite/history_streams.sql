-- The streams that an archive holds, by a few steps in its primary key.
WITH RECURSIVE found AS (
	SELECT min(stream) AS stream FROM {table}
	UNION ALL
	SELECT (SELECT min(stream) FROM {table} WHERE stream > found.stream) FROM found WHERE found.stream IS NOT NULL
)
SELECT stream FROM found WHERE stream IS NOT NULL
