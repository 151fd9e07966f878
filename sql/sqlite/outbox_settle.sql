-- Marks a row delivered, if it is still pending and the same event.
UPDATE {table} SET state = 'delivered', retry_at = NULL, delivered_at = ?5, stream = ?3, stream_seq = ?4
WHERE id = ?1 AND event_id = ?2 AND state = 'pending'
