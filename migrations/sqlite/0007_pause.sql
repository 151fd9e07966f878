-- A lease that somebody paused: nobody takes it, and its holder gives it back, until it is resumed.
ALTER TABLE dray_lease ADD COLUMN paused_at TEXT;  -- null: it is not
ALTER TABLE dray_lease ADD COLUMN paused_by TEXT;  -- user and host, or dray itself
ALTER TABLE dray_lease ADD COLUMN paused_why TEXT; -- where dray did it
