-- The sweep: pending rows that were read before, or should have been.
SELECT id, event_id, subject, key, attempts, created_at, available_at, retry_at, headers, payload
FROM {table} WHERE state = 'pending' AND state <> 'delivered' AND id > ?1 AND id <= ?3 ORDER BY id LIMIT ?2
