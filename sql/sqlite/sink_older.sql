-- Whether a key has a newer version than this one.
SELECT 1 FROM dray_sink_version WHERE sink = ?1 AND stream = ?2 AND key = ?3 AND (epoch, version) > (?4, ?5)
