-- Forgets what was noted of rows ($2) that were delivered.
DELETE FROM dray.borrowed_row WHERE relay = $1 AND row_id IN (SELECT value FROM json_array_elements_text($2::json))
