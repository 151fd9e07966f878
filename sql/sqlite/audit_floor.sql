-- No row below this id will be delivered from now on.
SELECT coalesce((SELECT min(id) FROM {table} WHERE state = 'pending' AND state <> 'delivered'),
	(SELECT max(id) + 1 FROM {table}), 0)
