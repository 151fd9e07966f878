-- Which migrations were applied to what.
SELECT version, target, checksum, name FROM dray_schema_version ORDER BY version, target
