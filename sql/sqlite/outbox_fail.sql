-- Notes a failure: without a time to try again the row is given up. The id may be stored
-- as text or as bytes.
UPDATE {table} SET state = CASE WHEN ?3 IS NULL THEN 'dead' ELSE 'pending' END, attempts = attempts + 1,
	retry_at = ?3, last_error = ?4
WHERE id = ?1 AND (event_id = ?2 OR event_id = CAST(?2 AS BLOB)) AND state = 'pending'
