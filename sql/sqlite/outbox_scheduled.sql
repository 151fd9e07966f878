-- Rows that the application scheduled and are due by then.
SELECT id, event_id, subject, key, attempts, created_at, available_at, retry_at, headers, payload
FROM {table} WHERE state = 'pending' AND available_at > created_at AND available_at <= ?1
ORDER BY available_at LIMIT ?2
