-- Takes a lease, if the row is what was seen of it (?4 to ?6); gives its epoch, or no row.
UPDATE dray_lease
SET holder = ?2, epoch = epoch + 1, renewals = renewals + 1, length_ms = CAST(?3 AS INTEGER),
	expires_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (?3 / 1000.0) || ' seconds')
WHERE resource = ?1 AND holder = ?4 AND epoch = CAST(?5 AS INTEGER) AND renewals = CAST(?6 AS INTEGER)
	AND paused_at IS NULL
RETURNING epoch
