-- Takes a lease that is free, expired or already ours; gives its epoch, or no row.
INSERT INTO dray_lease AS l (resource, holder, epoch, expires_at)
VALUES (?1, ?2, 1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (?3 / 1000.0) || ' seconds'))
ON CONFLICT (resource) DO UPDATE
SET holder = excluded.holder, epoch = l.epoch + 1, expires_at = excluded.expires_at
WHERE l.expires_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now') OR l.holder = excluded.holder
RETURNING epoch
