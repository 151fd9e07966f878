-- How many were discarded so long ago.
SELECT count(*) FROM dray_discarded WHERE discarded_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (-?1 / 1000.0) || ' seconds')
