-- No row below this id will be delivered from now on, but for those of transactions that are still open.
SELECT coalesce((SELECT min(id) FROM {table} WHERE state = 'pending'), (SELECT max(id) + 1 FROM {table}), 0)
