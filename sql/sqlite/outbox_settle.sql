-- Marks a row delivered, if it is still pending and the same event. The id may be
-- stored as text or as bytes.
UPDATE {table} SET state = 'delivered', retry_at = NULL, delivered_at = ?5, stream = ?3, stream_seq = ?4
WHERE id = ?1 AND CAST(event_id AS BLOB) = CAST(?2 AS BLOB) AND state = 'pending'
