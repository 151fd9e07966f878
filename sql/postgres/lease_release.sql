-- Gives a lease back: whoever comes next need not wait; its epoch stays.
UPDATE dray.lease SET renewals = renewals + 1, length_ms = 0, expires_at = clock_timestamp()
WHERE resource = $1 AND holder = $2 AND epoch = $3::bigint
