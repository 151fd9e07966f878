-- Lets a paused lease be taken again.
UPDATE dray.lease SET paused_at = NULL, paused_by = NULL, paused_why = NULL
WHERE resource = $1 AND paused_at IS NOT NULL
