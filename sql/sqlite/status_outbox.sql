-- What is not delivered: due or being tried, scheduled for later, given up; keys that a failing event
-- holds; the age of the oldest pending event. The condition on the partial index stands in its own words.
SELECT
	(SELECT count(*) FROM {table} WHERE state = 'pending' AND state <> 'delivered'),
	(SELECT count(*) FROM {table} WHERE state = 'pending' AND available_at > created_at
		AND available_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	(SELECT count(*) FROM {table} WHERE state = 'dead' AND state <> 'delivered'),
	(SELECT count(DISTINCT key) FROM {table} WHERE state = 'pending' AND retry_at IS NOT NULL),
	(SELECT CAST(round((julianday('now') - julianday(created_at)) * 86400000) AS INTEGER)
		FROM {table} WHERE state = 'pending' AND state <> 'delivered'
		AND (available_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now') OR available_at <= created_at)
		ORDER BY id LIMIT 1)
