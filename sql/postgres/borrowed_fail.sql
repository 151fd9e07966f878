-- Notes the failure of a row in a table that Dray did not make: when to try it again, or ($6) that it was given up.
INSERT INTO dray.borrowed_row (relay, row_id, attempts, retry_at, last_error, dead)
VALUES ($1, $2, $3::int, clock_timestamp() + $4::bigint * interval '1 ms', $5, $6::bool)
ON CONFLICT (relay, row_id) DO UPDATE
SET attempts = excluded.attempts, retry_at = excluded.retry_at, last_error = excluded.last_error, dead = excluded.dead
