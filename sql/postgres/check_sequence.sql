-- How many ids a session draws ahead for an outbox: above 1 they come out of order.
SELECT seqcache FROM pg_sequence
WHERE seqrelid = pg_get_serial_sequence($1, 'id')::regclass
