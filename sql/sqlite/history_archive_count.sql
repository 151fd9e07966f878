-- What history_archive reads in all: rows, payload bytes, the last number.
SELECT count(*), coalesce(sum(length(payload)), 0), max((epoch << 48) + seq) FROM {table}
WHERE stream = ?9 AND (epoch, seq) > (?1 >> 48, ?1 & 281474976710655)
	AND (epoch, seq) <= (?2 >> 48, ?2 & 281474976710655)
	AND seq >= ?3 AND seq <= ?4
	AND (?5 IS NULL OR published_at >= ?5) AND (?6 IS NULL OR published_at < ?6)
	AND (?7 IS NULL OR dray_matches(?7, subject)) AND (?8 IS NULL OR key = ?8)
	AND coalesce(instr(headers, '"Dray-Replay"'), 0) = 0
