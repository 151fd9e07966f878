-- Gives a lease back: whoever comes next need not wait; its epoch stays.
UPDATE dray_lease SET renewals = renewals + 1, length_ms = 0, expires_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE resource = ?1 AND holder = ?2 AND epoch = CAST(?3 AS INTEGER)
