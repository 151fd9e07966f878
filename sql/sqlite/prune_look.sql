-- The next rows behind an id: the highest id, how many, how many of them were delivered so long ago; and whether
-- all of them were written since then, so that neither they nor later ones can have been.
SELECT max(id), count(*), coalesce(sum(expired), 0), CASE WHEN min(created_at) >= min(cutoff) THEN 't' ELSE 'f' END
FROM (
	SELECT id, created_at, cutoff, state = 'delivered' AND delivered_at IS NOT NULL AND delivered_at < cutoff AS expired
	FROM {table}, (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (-?3 / 1000.0) || ' seconds') AS cutoff) AS clock
	WHERE id > CAST(?1 AS INTEGER) ORDER BY id LIMIT CAST(?2 AS INTEGER)
) AS found
