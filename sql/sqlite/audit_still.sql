-- Which of these rows are still not marked delivered: [id, ...].
SELECT id FROM {table} WHERE state <> 'delivered' AND id IN (SELECT value FROM json_each(?1))
