-- When the pending row with the lowest id was created, in milliseconds since 1970.
SELECT (extract(epoch FROM created_at) * 1000)::bigint FROM {table} WHERE state = 'pending' ORDER BY id LIMIT 1
