-- The positions of a relay, one a stream.
SELECT stream, created, seq, marked_seq, marked_id FROM dray_relay_position WHERE relay = ?1 ORDER BY stream
