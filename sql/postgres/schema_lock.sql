-- Two migrations at once take turns; held to the end of the transaction.
SELECT pg_advisory_xact_lock(1685217657, 0);
