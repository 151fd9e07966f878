-- How many were discarded so long ago.
SELECT count(*) FROM dray.discarded WHERE discarded_at < clock_timestamp() - $1::bigint * interval '1 ms'
