-- Pauses a lease, also one that nobody has held yet; one that is paused stays as it is.
INSERT INTO dray_lease (resource, holder, epoch, expires_at, paused_at, paused_by, paused_why)
VALUES (?1, '', 0, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?2, ?3)
ON CONFLICT (resource) DO UPDATE
SET paused_at = excluded.paused_at, paused_by = excluded.paused_by, paused_why = excluded.paused_why
WHERE paused_at IS NULL
