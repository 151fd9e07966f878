-- Renews a lease that is still ours; gives its epoch, or no row.
UPDATE dray_lease SET renewals = renewals + 1,
	expires_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (?3 / 1000.0) || ' seconds')
WHERE resource = ?1 AND holder = ?2 AND epoch = CAST(?4 AS INTEGER) AND renewals = CAST(?5 AS INTEGER)
RETURNING epoch
