-- The delivered rows of a stream, in the order in which it holds them. SQLite sorts, on its disk where they are
-- many.
SELECT stream_seq, id, event_id, coalesce(CAST(round((julianday(delivered_at) - 2440587.5) * 86400000) AS INTEGER), 0)
FROM {table}
WHERE state = 'delivered' AND stream = ?1 AND id >= ?2 AND (?3 IS NULL OR delivered_at >= ?3)
ORDER BY stream_seq, id
