-- Forgets some of what was discarded so long ago.
DELETE FROM dray_discarded WHERE id IN (SELECT id FROM dray_discarded WHERE discarded_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (-?1 / 1000.0) || ' seconds') ORDER BY id LIMIT 500)
