-- Moves a relay's position.
INSERT INTO dray.relay_position (relay, stream, created, seq, marked_seq, marked_id) VALUES ($1, $2, $3, $4::bigint, $5::bigint, $6)
ON CONFLICT (relay, stream) DO UPDATE
SET created = excluded.created, seq = excluded.seq, marked_seq = excluded.marked_seq, marked_id = excluded.marked_id
