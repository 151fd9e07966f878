-- Rows of a table that Dray did not make: given up; and those that failed and are tried again.
SELECT count(*) FILTER (WHERE dead), count(*) FILTER (WHERE NOT dead) FROM dray.borrowed_row WHERE relay = 'outbox:' || $1
