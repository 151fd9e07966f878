-- The newest event of an epoch up to a sequence.
SELECT seq, subject, msg_id, published_at FROM {table}
WHERE stream = ?1 AND epoch = CAST(?2 AS INTEGER) AND seq <= CAST(?3 AS INTEGER)
ORDER BY seq DESC LIMIT 1
