-- Notes failures, only while the lease is held: a delay below 0 gives the row up, another says when to try
-- again. That a row is given up must outlive a power cut, since its successors go out then. Gives how many
-- leases (1 or 0) and rows were as expected.
-- The conditions leave just one way, whatever the statistics say: each row by the primary key. Any other would
-- go through all pending rows for every row that is settled.
WITH held AS (
	UPDATE dray.lease SET renewals = renewals + 1, expires_at = clock_timestamp() + $4::bigint * interval '1 ms'
	WHERE resource = $1 AND holder = $2 AND epoch = $3::bigint AND renewals = $9::bigint
	RETURNING 1
), marked AS (
	UPDATE {table} AS o
	SET state = CASE WHEN u.delay_ms < 0 THEN 'dead' ELSE 'pending' END,
		attempts = o.attempts + 1,
		retry_at = CASE WHEN u.delay_ms >= 0
			THEN clock_timestamp() + u.delay_ms * interval '1 ms' END,
		last_error = u.error
	FROM held, unnest($5::bigint[], $6::uuid[], $7::bigint[], $8::text[]) AS u (id, event_id, delay_ms, error)
	WHERE o.id >= u.id AND o.id <= u.id AND o.event_id = u.event_id AND o.state || '' = 'pending'
	RETURNING 1
)
SELECT (SELECT count(*) FROM held), (SELECT count(*) FROM marked),
	CASE WHEN (SELECT min(d.delay_ms) FROM unnest($7::bigint[]) AS d (delay_ms)) < 0 THEN set_config('synchronous_commit', 'on', true) END
