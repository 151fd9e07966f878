-- Gives a lease back: it expires now, its epoch stays.
UPDATE dray_lease SET expires_at = '' WHERE resource = ?1 AND holder = ?2 AND epoch = CAST(?3 AS INTEGER)
