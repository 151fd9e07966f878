-- Deletes a row that was delivered, if it is still pending and the same event. The id may be
-- stored as text or as bytes.
DELETE FROM {table} WHERE id = ?1 AND (event_id = ?2 OR event_id = CAST(?2 AS BLOB)) AND state = 'pending'
