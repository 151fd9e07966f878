-- No row below this id will be delivered from now on, but for those of transactions that are still open. Pending ones
-- are looked for as in outbox_read.sql, since by the primary key they would be behind every row that is settled.
SELECT coalesce((SELECT id FROM {table} WHERE state <> 'delivered' AND (state, id) > ('pending', -9223372036854775808)
	AND (state, id) <= ('pending', 9223372036854775807) ORDER BY state, id LIMIT 1),
	(SELECT max(id) + 1 FROM {table}), 0)
