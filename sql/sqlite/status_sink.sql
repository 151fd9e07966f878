-- How far a sink is, and how many events it set aside.
SELECT (SELECT count(*) FROM dray_sink_dead WHERE sink = ?1 AND stream = ?2),
	(SELECT epoch FROM dray_sink_position WHERE sink = ?1 AND stream = ?2),
	(SELECT seq FROM dray_sink_position WHERE sink = ?1 AND stream = ?2)
