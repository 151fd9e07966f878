-- Takes rows out of the dead. That they have a time to try again and no attempts says to the relay that a
-- person put them back; the time lets it find them behind its cursor.
UPDATE {table} SET state = 'pending', attempts = 0, retry_at = clock_timestamp(), last_error = NULL
WHERE state = 'dead' AND id IN (SELECT value::bigint FROM json_array_elements_text($1::json))
RETURNING id
