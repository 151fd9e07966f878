event AS ( -- the newest of each key, since a statement changes a row once
	SELECT DISTINCT ON ({key}) *
	FROM (
		SELECT {values}, e.seq, e.version, e.deleted
		FROM unnest({arrays}) AS e ({names})
		WHERE EXISTS (SELECT FROM agreed)
	) AS e
	ORDER BY {key}, version DESC, seq DESC
), newest AS (
	SELECT * FROM event AS e
	WHERE {in_order} OR NOT EXISTS (
		SELECT FROM dray.sink_version AS v
		WHERE v.sink = $5 AND v.stream = $6 AND v.key = ROW({key})::text
			AND (v.epoch, v.version) > ($8::bigint, e.version))
), removed AS (
	DELETE FROM {table} AS t USING newest AS n
	WHERE n.deleted AND {same_key} AND {newer_than_row}
), stored AS (
	INSERT INTO {table} AS t ({columns})
	SELECT {cells} FROM newest WHERE NOT deleted
	ON CONFLICT ({key_columns}) DO UPDATE SET {set} WHERE {newer_than_t}
	RETURNING 1
), remembered AS (
	INSERT INTO dray.sink_version (sink, stream, key, epoch, version, deleted)
	SELECT $5, $6, ROW({key})::text, $8::bigint, version, deleted FROM newest AS e
	WHERE deleted OR {beside}
	ON CONFLICT (sink, stream, key) DO UPDATE
	SET epoch = excluded.epoch, version = excluded.version, deleted = excluded.deleted, changed_at = now()
)
