-- Marks rows as delivered, or as given up.
UPDATE {table} AS t SET {set} WHERE {id} IN (SELECT value FROM json_each(?1))
