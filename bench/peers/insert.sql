INSERT INTO outbox (subject, key, payload)
SELECT 'bench.s' || i % 8, 'key-' || ((i * 2654435761 & 4294967295) >> 8) % $3::bigint,
	convert_to(overlay($4::text placing lpad(i::text, 12, '0') from 7), 'UTF8')
FROM generate_series($1::bigint, $2::bigint) AS i
