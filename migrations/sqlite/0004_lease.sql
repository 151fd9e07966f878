-- Whoever stands by watches a lease for changes by its own clock; expires_at only informs people.
ALTER TABLE dray_lease ADD COLUMN renewals INTEGER NOT NULL DEFAULT 0;  -- grows with every change
ALTER TABLE dray_lease ADD COLUMN length_ms INTEGER NOT NULL DEFAULT 0; -- 0: it was given back
