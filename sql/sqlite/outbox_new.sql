-- New rows: pending ones past the cursor.
SELECT id, event_id, subject, key, attempts, created_at, available_at, retry_at, headers, payload
FROM {table} WHERE state = 'pending' AND state <> 'delivered' AND id > ?1 ORDER BY id LIMIT ?2
