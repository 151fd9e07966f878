-- 1 where Dray's table of versions is there.
SELECT count(to_regclass('dray.schema_version'))
