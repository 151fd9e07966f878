-- When the pending row with the lowest id was created, in milliseconds since 1970. By the partial index, as
-- outbox_read.sql: by the primary key it would be behind every row that is settled.
SELECT (extract(epoch FROM created_at) * 1000)::bigint FROM {table}
WHERE state <> 'delivered' AND (state, id) > ('pending', -9223372036854775808)
	AND (state, id) <= ('pending', 9223372036854775807)
ORDER BY state, id LIMIT 1
