-- Forgets the marks of more than an hour ago.
DELETE FROM dray_sink_mark
WHERE sink = ?1 AND stream = ?2 AND second < CAST(strftime('%s', 'now') AS INTEGER) - 3600
