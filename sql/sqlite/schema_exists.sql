-- 1 where Dray's table of versions is there.
SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'dray_schema_version'
