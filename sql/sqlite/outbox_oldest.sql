-- When the pending row with the lowest id was created, in milliseconds since 1970.
SELECT CAST((julianday(created_at) - 2440587.5) * 86400000 AS INTEGER) FROM {table}
WHERE state = 'pending' AND state <> 'delivered' ORDER BY id LIMIT 1
