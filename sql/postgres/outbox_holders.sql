-- The transactions that hold a lock on the table as an insert takes it, prepared ones too (by the virtual
-- transaction: an insert has its id before it has an xid). Not our own session.
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = $1::oid AND mode = 'RowExclusiveLock'
	AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
	AND pid IS DISTINCT FROM pg_backend_pid()
