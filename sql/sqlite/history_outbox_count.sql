-- What history_outbox reads in all: rows, payload bytes, the last id.
SELECT count(*), coalesce(sum(length(payload)), 0), max(id) FROM {table}
WHERE id > ?1 AND id <= ?2 AND id >= ?3 AND id <= ?4
	AND (?5 IS NULL OR created_at >= ?5) AND (?6 IS NULL OR created_at < ?6)
	AND (?7 IS NULL OR dray_matches(?7, subject)) AND (?8 IS NULL OR key = ?8)
	AND (?9 IS NULL OR state = ?9)
