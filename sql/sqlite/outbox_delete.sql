-- Deletes rows of a range that were delivered; as outbox_settle.sql.
DELETE FROM {table} WHERE id BETWEEN ?1 AND ?2 AND dray_stored(id, event_id) IS NOT NULL AND +state = 'pending'
