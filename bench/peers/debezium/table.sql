\ir ../table.sql
-- The slot is there before the rows are, as in use: what is read is the log, not a snapshot.
CREATE PUBLICATION debezium FOR TABLE outbox WITH (publish = 'insert');
SELECT pg_create_logical_replication_slot('debezium', 'pgoutput');
