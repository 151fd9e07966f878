-- Takes one event out of those that were set aside.
DELETE FROM dray_sink_dead WHERE sink = ?1 AND stream = ?2 AND epoch = ?3 AND seq = ?4
