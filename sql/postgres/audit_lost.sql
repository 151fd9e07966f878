-- Rows that were delivered and are no longer in the stream: [id, ...].
SELECT id, event_id::text, subject, key, headers::text, payload FROM {table}
WHERE state = 'delivered' AND id IN (SELECT e::bigint FROM jsonb_array_elements_text($1::jsonb) AS e)
