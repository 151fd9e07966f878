-- Deletes a row that was delivered, if it is still pending and the same event.
DELETE FROM {table} WHERE id = ?1 AND event_id = ?2 AND state = 'pending'
