-- Marks rows of a range delivered, if they are still pending and the same events: dray_stored gives the sequence at
-- which the stream holds the event of a row, NULL for what is not to be settled. It is asked before the state, which
-- lies behind the payload; + keeps SQLite at the ids, whatever its statistics say of the index.
UPDATE {table} SET state = 'delivered', retry_at = NULL, stream = ?3, delivered_at = ?4,
	stream_seq = dray_stored(id, event_id)
WHERE id BETWEEN ?1 AND ?2 AND dray_stored(id, event_id) IS NOT NULL AND +state = 'pending'
