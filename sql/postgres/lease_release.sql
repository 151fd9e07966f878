-- Gives a lease back: it expires now, its epoch stays.
UPDATE dray.lease SET expires_at = '-infinity'
WHERE resource = $1 AND holder = $2 AND epoch = $3::bigint
