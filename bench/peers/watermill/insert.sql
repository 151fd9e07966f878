INSERT INTO watermill_events (uuid, payload, metadata, transaction_id)
SELECT gen_random_uuid()::text, overlay($4::text placing lpad(i::text, 12, '0') from 7)::json,
	json_build_object('subject', 'bench.s' || i % 8, 'key',
		'key-' || ((i * 2654435761 & 4294967295) >> 8) % $3::bigint),
	pg_current_xact_id()
FROM generate_series($1::bigint, $2::bigint) AS i
