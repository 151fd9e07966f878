-- Forgets what was noted of rows (?2) that were delivered.
DELETE FROM dray_borrowed_row WHERE relay = ?1 AND row_id IN (SELECT value FROM json_each(?2))
