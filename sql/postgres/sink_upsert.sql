event_{n} AS ( -- the newest of each key, since a statement changes a row once
	SELECT DISTINCT ON ({key}) *
	FROM (
		SELECT {values}, e.seq, e.version, e.deleted
		FROM unnest({arrays}) AS e ({names})
		WHERE EXISTS (SELECT FROM agreed)
	) AS e
	ORDER BY {key}, version DESC, seq DESC
), newest_{n} AS (
	SELECT * FROM event_{n} AS e
	WHERE {in_order} OR NOT EXISTS (
		SELECT FROM dray.sink_version AS v
		WHERE v.sink = $5 AND v.stream = $6 AND v.key = {key_text}
			AND (v.epoch, v.version) > ($8::bigint, e.version))
), removed_{n} AS (
	DELETE FROM {table} AS t USING newest_{n} AS n
	WHERE n.deleted AND {same_key} AND {newer_than_row}
), stored_{n} AS (
	INSERT INTO {table} AS t ({columns})
	SELECT {cells} FROM newest_{n} WHERE NOT deleted
	ON CONFLICT ({key_columns}) DO UPDATE SET {set} WHERE {newer_than_t}
), remembered_{n} AS (
	INSERT INTO dray.sink_version (sink, stream, key, epoch, version, deleted)
	SELECT $5, $6, {key_text}, $8::bigint, version, deleted FROM newest_{n} AS e
	WHERE deleted OR {beside}
	ON CONFLICT (sink, stream, key) DO UPDATE
	SET epoch = excluded.epoch, version = excluded.version, deleted = excluded.deleted, changed_at = now()
)
