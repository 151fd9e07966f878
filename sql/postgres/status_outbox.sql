-- What is not delivered: due or being tried, scheduled for later, given up; keys that a failing event
-- holds; the age of the oldest pending event, by the partial index as in outbox_read.sql.
SELECT
	(SELECT count(*) FROM {table} WHERE state = 'pending'),
	(SELECT count(*) FROM {table} WHERE state = 'pending' AND available_at > created_at
		AND available_at > now()),
	(SELECT count(*) FROM {table} WHERE state = 'dead'),
	(SELECT count(DISTINCT key) FROM {table} WHERE state = 'pending' AND retry_at IS NOT NULL),
	(SELECT (extract(epoch FROM now() - created_at) * 1000)::bigint FROM {table}
		WHERE state <> 'delivered' AND (state, id) > ('pending', -9223372036854775808)
			AND (state, id) <= ('pending', 9223372036854775807)
			AND (available_at <= now() OR available_at <= created_at) ORDER BY state, id LIMIT 1)
