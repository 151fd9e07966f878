-- Ends sessions that still hold the bell of an outbox whose lease is ours now: writers would ring for ever.
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND classid = 1685217657 AND objid = ($1::bigint & 2147483647)::oid
	AND objsubid = 2 AND mode = 'ExclusiveLock' AND granted AND pid <> pg_backend_pid()
	AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
