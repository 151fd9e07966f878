stored_{n} AS ( -- every event as it is
	INSERT INTO {table} (stream, epoch, seq, subject, key, msg_id, headers, payload, published_at)
	SELECT $6, $8::bigint, e.seq, e.subject, e.key, e.msg_id, e.headers::jsonb, e.payload, e.published_at
	FROM unnest({arrays}) AS e ({names})
	WHERE EXISTS (SELECT FROM agreed)
	ON CONFLICT (stream, epoch, seq) DO NOTHING
	RETURNING 1
)
