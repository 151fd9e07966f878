-- Pauses a lease, also one that nobody has held yet; one that is paused stays as it is.
INSERT INTO dray.lease AS l (resource, holder, epoch, expires_at, paused_at, paused_by, paused_why)
VALUES ($1, '', 0, clock_timestamp(), clock_timestamp(), $2, $3)
ON CONFLICT (resource) DO UPDATE
SET paused_at = excluded.paused_at, paused_by = excluded.paused_by, paused_why = excluded.paused_why
WHERE l.paused_at IS NULL
