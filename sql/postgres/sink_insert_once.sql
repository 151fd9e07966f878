event_{n} AS (
	SELECT DISTINCT ON (e.seq) e.*
	FROM unnest({arrays}) AS e ({names})
	WHERE EXISTS (SELECT FROM agreed)
), seen_{n} AS ( -- a durable gives events again
	INSERT INTO dray.sink_version (sink, stream, key, epoch, version, deleted)
	SELECT $5, $6, e.seq || '@' || e.version, $8::bigint, e.seq, false FROM event_{n} AS e
	ON CONFLICT (sink, stream, key) DO NOTHING
	RETURNING version
), stored_{n} AS (
	INSERT INTO {table} ({columns})
	SELECT {values}
	FROM event_{n} AS e JOIN seen_{n} AS seen ON seen.version = e.seq
)
