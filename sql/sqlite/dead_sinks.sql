-- The sinks that have set events aside.
SELECT DISTINCT sink FROM dray_sink_dead ORDER BY sink
