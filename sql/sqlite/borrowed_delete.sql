-- Deletes rows that were delivered.
DELETE FROM {table} AS t WHERE {id} IN (SELECT value FROM json_each(?1))
