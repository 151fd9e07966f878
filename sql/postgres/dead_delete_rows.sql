-- Discards dead rows of an outbox.
DELETE FROM {table} WHERE state = 'dead' AND id IN (SELECT value::bigint FROM json_array_elements_text($1::json))
