-- The next rows behind an id: the highest id, how many, how many of them were delivered so long ago; and whether
-- all of them were written since then, so that neither they nor later ones can have been.
SELECT max(id), count(*), count(*) FILTER (WHERE expired), min(created_at) >= min(cutoff)
FROM (
	SELECT id, created_at, cutoff, state = 'delivered' AND delivered_at IS NOT NULL AND delivered_at < cutoff AS expired
	FROM {table}, (SELECT clock_timestamp() - $3::bigint * interval '1 ms' AS cutoff) AS clock
	WHERE id > $1::bigint ORDER BY id LIMIT $2::bigint
) AS found
