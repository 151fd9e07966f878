-- Notes where a stream holds rows now: [[id, sequence before, sequence], ...], in which stream.
UPDATE {table} AS o SET stream_seq = u.seq, delivered_at = clock_timestamp()
FROM (SELECT (e->>0)::bigint AS id, (e->>1)::bigint AS was, (e->>2)::bigint AS seq FROM jsonb_array_elements($1::jsonb) AS e) AS u
WHERE o.id = u.id AND o.state = 'delivered' AND o.stream = $2::text AND o.stream_seq = u.was
