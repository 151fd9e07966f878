-- Forgets keys of a sink that were deleted so long ago, between two places.
DELETE FROM dray_sink_version
WHERE sink = ?1 AND deleted AND (stream, key) > (?2, ?3) AND (stream, key) <= (?5, ?6)
	AND changed_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (-?4 / 1000.0) || ' seconds')
