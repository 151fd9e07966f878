-- Rows that were delivered and are no longer in the stream: [id, ...].
SELECT id, event_id, subject, key, headers, payload FROM {table}
WHERE state = 'delivered' AND id IN (SELECT value FROM json_each(?1))
