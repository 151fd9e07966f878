-- Takes a lease that is free, expired or already ours; gives its epoch, or no row.
INSERT INTO dray.lease AS l (resource, holder, epoch, expires_at)
VALUES ($1, $2, 1, clock_timestamp() + $3::bigint * interval '1 ms')
ON CONFLICT (resource) DO UPDATE
SET holder = excluded.holder, epoch = l.epoch + 1, expires_at = excluded.expires_at
WHERE l.expires_at < clock_timestamp() OR l.holder = excluded.holder
RETURNING l.epoch
