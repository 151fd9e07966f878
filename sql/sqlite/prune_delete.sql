-- Deletes what was delivered so long ago, between two ids.
DELETE FROM {table} WHERE id > CAST(?1 AS INTEGER) AND id <= CAST(?2 AS INTEGER) AND state = 'delivered'
	AND delivered_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (-?3 / 1000.0) || ' seconds')
