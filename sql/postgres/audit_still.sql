-- Which of these rows are still not marked delivered: [id, ...].
SELECT id FROM {table} WHERE state <> 'delivered' AND id IN (SELECT e::bigint FROM jsonb_array_elements_text($1::jsonb) AS e)
