-- Takes a lease that nobody has held yet; gives its epoch, or no row where somebody was faster.
INSERT INTO dray.lease (resource, holder, epoch, renewals, length_ms, expires_at)
VALUES ($1, $2, 1, 0, $3::bigint, clock_timestamp() + $3::bigint * interval '1 ms')
ON CONFLICT (resource) DO NOTHING
RETURNING epoch
