-- One event, as dray emit writes it; the payload comes in hexadecimal.
INSERT INTO {table} (subject, key, headers, payload)
VALUES ($1, $2, $3::jsonb, decode($4, 'hex'))
RETURNING event_id
