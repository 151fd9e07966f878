-- Rows that failed and are due by then; and those whose next try lies further away than any try is put off:
-- the clock was set back.
SELECT id, event_id, subject, key, attempts, created_at, available_at, retry_at, headers, payload
FROM {table} WHERE state = 'pending' AND retry_at IS NOT NULL AND retry_at <= ?1
UNION ALL
SELECT id, event_id, subject, key, attempts, created_at, available_at, retry_at, headers, payload
FROM {table} WHERE state = 'pending' AND retry_at IS NOT NULL AND retry_at > ?3
ORDER BY retry_at LIMIT ?2
