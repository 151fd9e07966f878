-- One event, as dray emit writes it; the payload comes as text.
INSERT INTO {table} (subject, key, headers, payload)
VALUES (?1, ?2, ?3, CAST(?4 AS BLOB))
RETURNING event_id
