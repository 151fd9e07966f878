-- A lease that somebody paused: nobody takes it, and its holder gives it back, until it is resumed.
ALTER TABLE dray.lease ADD COLUMN paused_at timestamptz; -- null: it is not
ALTER TABLE dray.lease ADD COLUMN paused_by text;        -- user and host, or dray itself
ALTER TABLE dray.lease ADD COLUMN paused_why text;       -- where dray did it
