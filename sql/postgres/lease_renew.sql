-- Renews a lease that is still ours; gives its epoch, or no row.
UPDATE dray.lease SET renewals = renewals + 1,
	expires_at = clock_timestamp() + $3::bigint * interval '1 ms'
WHERE resource = $1 AND holder = $2 AND epoch = $4::bigint AND renewals = $5::bigint
RETURNING epoch
