-- Deletes what was delivered so long ago, between two ids.
DELETE FROM {table} WHERE id > $1::bigint AND id <= $2::bigint AND state = 'delivered'
	AND delivered_at < clock_timestamp() - $3::bigint * interval '1 ms'
