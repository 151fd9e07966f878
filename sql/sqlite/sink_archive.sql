-- Stores one event of a batch.
INSERT INTO {table} (stream, epoch, seq, subject, key, msg_id, headers, payload, published_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (stream, epoch, seq) DO NOTHING
