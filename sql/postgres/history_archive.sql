-- Reads history from an archive, in the order of one stream. Its numbers are epoch * 2^48 + seq. Events that
-- were a replay themselves are left out.
SELECT (epoch << 48) + seq, coalesce(msg_id, stream || ':' || epoch || ':' || seq), subject, key, headers::text, payload
FROM (
	SELECT *, sum(octet_length(payload)) OVER (ORDER BY epoch, seq ROWS UNBOUNDED PRECEDING) - octet_length(payload) AS before
	FROM (
		SELECT stream, epoch, seq, msg_id, subject, key, headers, payload FROM {table}
		WHERE stream = $9 AND (epoch, seq) > ($1::bigint >> 48, $1 & 281474976710655)
			AND (epoch, seq) <= ($2::bigint >> 48, $2 & 281474976710655)
			AND seq >= $3::bigint AND seq <= $4::bigint
			AND ($5::timestamptz IS NULL OR published_at >= $5) AND ($6::timestamptz IS NULL OR published_at < $6)
			AND ($7::text IS NULL OR subject ~ $7) AND ($8::text IS NULL OR key = $8)
			AND coalesce(NOT headers ? 'Dray-Replay', true)
		ORDER BY stream, epoch, seq LIMIT $10
	) AS found
) AS counted WHERE before < $11::bigint
