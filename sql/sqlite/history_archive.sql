-- Reads history from an archive, in the order of one stream. Its numbers are epoch * 2^48 + seq. Events that
-- were a replay themselves are left out.
SELECT (epoch << 48) + seq, coalesce(msg_id, stream || ':' || epoch || ':' || seq), subject, key, headers, payload
FROM {table}
WHERE stream = ?9 AND (epoch, seq) > (?1 >> 48, ?1 & 281474976710655)
	AND (epoch, seq) <= (?2 >> 48, ?2 & 281474976710655)
	AND seq >= ?3 AND seq <= ?4
	AND (?5 IS NULL OR published_at >= ?5) AND (?6 IS NULL OR published_at < ?6)
	AND (?7 IS NULL OR dray_matches(?7, subject)) AND (?8 IS NULL OR key = ?8)
	AND coalesce(instr(headers, '"Dray-Replay"'), 0) = 0
ORDER BY stream, epoch, seq LIMIT ?10
