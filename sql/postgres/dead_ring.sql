-- Wakes the relay of an outbox once the rows are there: it looks behind its cursor, too.
SELECT pg_notify('dray_' || $1::regclass::oid, '')
