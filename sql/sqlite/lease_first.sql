-- Takes a lease that nobody has held yet; gives its epoch, or no row where somebody was faster.
INSERT INTO dray_lease (resource, holder, epoch, renewals, length_ms, expires_at)
VALUES (?1, ?2, 1, 0, CAST(?3 AS INTEGER), strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (?3 / 1000.0) || ' seconds'))
ON CONFLICT (resource) DO NOTHING
RETURNING epoch
