-- Stores a batch, sets aside what is at fault and moves the position: all of it, if the lease ($1 to $4) is
-- still held, which renews it, and if the position ($5 to $9) stands where it is believed to; else nothing.
-- Or ($26) stores one event that was set aside, if it still is: then neither of the two takes part.
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
	WHERE $26::bool AND sink = $5 AND stream = $6 AND epoch = $8::bigint AND seq = ANY ($11::bigint[])
	RETURNING 1
), agreed AS (
	SELECT FROM moved UNION ALL SELECT FROM gone
), stored AS (
	INSERT INTO {table} (stream, epoch, seq, subject, key, msg_id, headers, payload, published_at)
	SELECT $6, $8::bigint, e.seq, e.subject, e.key, e.msg_id, e.headers::jsonb, e.payload, e.published_at
	FROM unnest($11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bytea[],
		$17::timestamptz[]) AS e (seq, subject, key, msg_id, headers, payload, published_at)
	WHERE EXISTS (SELECT FROM agreed)
	ON CONFLICT (stream, epoch, seq) DO NOTHING
	RETURNING 1
), dead AS (
	INSERT INTO dray.sink_dead (sink, stream, epoch, seq, subject, key, headers, payload, error, msg_id,
		published_at)
	SELECT $5, $6, $8::bigint, d.seq, d.subject, d.key, d.headers::jsonb, d.payload, d.error, d.msg_id,
		d.published_at
	FROM unnest($18::bigint[], $19::text[], $20::text[], $21::text[], $22::bytea[], $23::text[], $24::text[],
		$25::timestamptz[]) AS d (seq, subject, key, headers, payload, error, msg_id, published_at)
	WHERE EXISTS (SELECT FROM moved)
	ON CONFLICT (sink, stream, epoch, seq) DO NOTHING
)
SELECT (SELECT count(*) FROM held), (SELECT count(*) FROM moved), (SELECT count(*) FROM stored),
	(SELECT count(*) FROM gone)
