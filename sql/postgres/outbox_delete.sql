-- Deletes rows that were delivered and moves the position, both only while the lease is held. Gives how many leases
-- (1 or 0) and rows were as expected.
-- The conditions leave just one way, whatever the statistics say: each row by the primary key. Any other would
-- go through all pending rows for every row that is settled.
WITH held AS (
	UPDATE dray.lease SET renewals = renewals + 1, expires_at = clock_timestamp() + $4::bigint * interval '1 ms'
	WHERE resource = $1 AND holder = $2 AND epoch = $3::bigint AND renewals = $13::bigint
	RETURNING 1
), moved AS (
	INSERT INTO dray.relay_position (relay, stream, created, seq, marked_seq, marked_id)
	SELECT $1, $5, $6, $7::bigint, $11::bigint, $12 FROM held
	ON CONFLICT (relay, stream) DO UPDATE
	SET created = excluded.created, seq = excluded.seq, marked_seq = excluded.marked_seq, marked_id = excluded.marked_id
), marked AS (
	DELETE FROM {table} AS o
	USING held, unnest($8::bigint[], $9::uuid[], $10::bigint[]) AS u (id, event_id, seq)
	WHERE o.id >= u.id AND o.id <= u.id AND o.event_id = u.event_id AND o.state || '' = 'pending'
	RETURNING 1
)
SELECT (SELECT count(*) FROM held), (SELECT count(*) FROM marked)
