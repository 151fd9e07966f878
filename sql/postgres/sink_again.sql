event_{n} AS ( -- whether a row that is there is newer is not known: then the server refuses
	SELECT *
	FROM (
		SELECT {values}, e.version
		FROM unnest({arrays}) AS e ({names})
		WHERE EXISTS (SELECT FROM agreed)
	) AS e
	WHERE NOT EXISTS (
		SELECT FROM dray.sink_version AS v
		WHERE v.sink = $5 AND v.stream = $6 AND v.key = {key_text}
			AND (v.epoch, v.version) > ($8::bigint, e.version))
), stored_{n} AS (
	INSERT INTO {table} ({columns}) SELECT {cells} FROM event_{n}
), remembered_{n} AS (
	INSERT INTO dray.sink_version (sink, stream, key, epoch, version, deleted)
	SELECT $5, $6, {key_text}, $8::bigint, version, false FROM event_{n} AS e
	ON CONFLICT (sink, stream, key) DO UPDATE
	SET epoch = excluded.epoch, version = excluded.version, deleted = false, changed_at = now()
)
