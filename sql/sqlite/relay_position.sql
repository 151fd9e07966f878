-- Moves a relay's position.
INSERT INTO dray_relay_position (relay, stream, created, seq) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (relay, stream) DO UPDATE SET created = excluded.created, seq = excluded.seq
