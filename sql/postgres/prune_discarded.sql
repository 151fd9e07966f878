-- Forgets some of what was discarded so long ago.
DELETE FROM dray.discarded WHERE id IN (SELECT id FROM dray.discarded WHERE discarded_at < clock_timestamp() - $1::bigint * interval '1 ms' ORDER BY id LIMIT 500)
