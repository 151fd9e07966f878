-- The sinks that have set events aside.
SELECT DISTINCT sink FROM dray.sink_dead ORDER BY sink
