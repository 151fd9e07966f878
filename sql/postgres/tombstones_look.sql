-- The next deleted keys of a sink behind a place: the place of the last, how many, and how many of them were deleted
-- so long ago.
WITH found AS (
	SELECT stream, key, changed_at < clock_timestamp() - $4::bigint * interval '1 ms' AS expired
	FROM dray.sink_version
	WHERE sink = $1 AND deleted AND (stream, key) > ($2, $3)
	ORDER BY stream, key LIMIT $5::bigint
)
SELECT (SELECT stream FROM found ORDER BY stream DESC, key DESC LIMIT 1),
	(SELECT key FROM found ORDER BY stream DESC, key DESC LIMIT 1), count(*), count(*) FILTER (WHERE expired)
FROM found
