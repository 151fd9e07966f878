-- What history_outbox reads in all: rows, payload bytes, the last id.
SELECT count(*), coalesce(sum(octet_length(payload)), 0), max(id) FROM {table}
WHERE id > $1::bigint AND id <= $2::bigint AND id >= $3::bigint AND id <= $4::bigint
	AND ($5::timestamptz IS NULL OR created_at >= $5) AND ($6::timestamptz IS NULL OR created_at < $6)
	AND ($7::text IS NULL OR subject ~ $7) AND ($8::text IS NULL OR key = $8)
	AND ($9::text IS NULL OR state = $9)
