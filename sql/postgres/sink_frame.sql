-- A store, around what is done with the events of each table (sink_archive, sink_insert, sink_insert_once or
-- sink_upsert): all of it, if the lease ($1 to $4) is still held, which renews it, and if the position ($5 to $9)
-- stands where it is believed to, from where it moves to $10; else nothing. $11 to $14 are the newest event as a
-- mark, or NULL; $15 to $22 what is set aside. Or ($23) one event that was set aside, with sequence $10, if it
-- still is: then neither lease nor position takes part. The arrays of the tables follow.
WITH held AS (
	UPDATE dray.lease SET renewals = renewals + 1, expires_at = clock_timestamp() + $3::bigint * interval '1 ms'
	WHERE resource = $1 AND holder = $2 AND epoch = $4::bigint
	RETURNING 1
), moved AS (
	UPDATE dray.sink_position SET seq = $10::bigint
	WHERE sink = $5 AND stream = $6 AND created = $7 AND epoch = $8::bigint AND seq = $9::bigint
		AND EXISTS (SELECT FROM held)
	RETURNING 1
), gone AS (
	DELETE FROM dray.sink_dead
	WHERE $23::bool AND sink = $5 AND stream = $6 AND epoch = $8::bigint AND seq = $10::bigint
	RETURNING 1
), agreed AS (
	SELECT FROM moved UNION ALL SELECT FROM gone
), {stored}, marked AS (
	INSERT INTO dray.sink_mark (sink, stream, epoch, second, seq, subject, msg_id, published_at)
	SELECT $5, $6, $8::bigint, extract(epoch FROM clock_timestamp())::bigint, $11::bigint, $12, $13,
		$14::timestamptz
	FROM moved WHERE $11::bigint IS NOT NULL
	ON CONFLICT (sink, stream, epoch, second) DO UPDATE
	SET seq = excluded.seq, subject = excluded.subject, msg_id = excluded.msg_id,
		published_at = excluded.published_at
), forgotten AS (
	DELETE FROM dray.sink_mark
	WHERE sink = $5 AND stream = $6 AND second < extract(epoch FROM clock_timestamp())::bigint - 3600
		AND $11::bigint IS NOT NULL AND EXISTS (SELECT FROM moved)
), dead AS (
	INSERT INTO dray.sink_dead (sink, stream, epoch, seq, subject, key, headers, payload, error, msg_id,
		published_at)
	SELECT $5, $6, $8::bigint, d.seq, d.subject, d.key, d.headers::jsonb, d.payload, d.error, d.msg_id,
		d.published_at
	FROM unnest($15::bigint[], $16::text[], $17::text[], $18::text[], $19::bytea[], $20::text[], $21::text[],
		$22::timestamptz[]) AS d (seq, subject, key, headers, payload, error, msg_id, published_at)
	WHERE EXISTS (SELECT FROM moved)
	ON CONFLICT (sink, stream, epoch, seq) DO NOTHING
)
SELECT (SELECT count(*) FROM held), (SELECT count(*) FROM moved), {archived},
	(SELECT count(*) FROM gone)
