-- Discards dead rows of an outbox.
DELETE FROM {table} WHERE state = 'dead' AND id IN (SELECT value FROM json_each(?1))
