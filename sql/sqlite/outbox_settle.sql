-- Marks a row delivered, if it is still pending and the same event. The id may be
-- stored as text or as bytes.
UPDATE {table} SET state = 'delivered', retry_at = NULL, stream = ?3, delivered_at = ?4, stream_seq = ?5
WHERE id = ?1 AND (event_id = ?2 OR event_id = CAST(?2 AS BLOB)) AND state = 'pending'
