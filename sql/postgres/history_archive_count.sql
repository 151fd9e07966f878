-- What history_archive reads in all: rows, payload bytes, the last number.
SELECT count(*), coalesce(sum(octet_length(payload)), 0), max((epoch << 48) + seq) FROM {table}
WHERE stream = $9 AND (epoch, seq) > ($1::bigint >> 48, $1 & 281474976710655)
	AND (epoch, seq) <= ($2::bigint >> 48, $2 & 281474976710655)
	AND seq >= $3::bigint AND seq <= $4::bigint
	AND ($5::timestamptz IS NULL OR published_at >= $5) AND ($6::timestamptz IS NULL OR published_at < $6)
	AND ($7::text IS NULL OR subject ~ $7) AND ($8::text IS NULL OR key = $8)
	AND coalesce(NOT headers ? 'Dray-Replay', true)
