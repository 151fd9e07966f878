-- Rows that are not marked delivered; a stream may hold them all the same.
SELECT id, event_id FROM {table} WHERE state <> 'delivered' ORDER BY state, id LIMIT ?1
