-- Whoever stands by watches a lease for changes by its own clock; expires_at only informs people.
ALTER TABLE dray.lease ADD COLUMN renewals bigint NOT NULL DEFAULT 0;  -- grows with every change
ALTER TABLE dray.lease ADD COLUMN length_ms bigint NOT NULL DEFAULT 0; -- 0: it was given back
