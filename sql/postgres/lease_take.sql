-- Takes a lease, if the row is what was seen of it ($4 to $6); gives its epoch, or no row. The commit waits
-- for the disk, whatever the session does: a lease that a crash of the server took back would have two holders.
UPDATE dray.lease AS l
SET holder = $2, epoch = l.epoch + 1, renewals = l.renewals + 1, length_ms = $3::bigint,
	expires_at = clock_timestamp() + $3::bigint * interval '1 ms'
FROM (SELECT set_config('synchronous_commit', CASE reset_val WHEN 'off' THEN 'on' ELSE reset_val END, true) AS level
	FROM pg_settings WHERE name = 'synchronous_commit') AS durable
WHERE l.resource = $1 AND l.holder = $4 AND l.epoch = $5::bigint AND l.renewals = $6::bigint
	AND l.paused_at IS NULL
	AND durable.level <> ''
RETURNING l.epoch
