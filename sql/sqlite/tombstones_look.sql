-- The next deleted keys of a sink behind a place: the place of the last, how many, and how many of them were deleted
-- so long ago.
WITH found AS (
	SELECT stream, key, changed_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (-?4 / 1000.0) || ' seconds') AS expired
	FROM dray_sink_version
	WHERE sink = ?1 AND deleted AND (stream, key) > (?2, ?3)
	ORDER BY stream, key LIMIT CAST(?5 AS INTEGER)
)
SELECT (SELECT stream FROM found ORDER BY stream DESC, key DESC LIMIT 1),
	(SELECT key FROM found ORDER BY stream DESC, key DESC LIMIT 1), count(*), coalesce(sum(expired), 0)
FROM found
