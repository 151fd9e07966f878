-- Where a sink stands in a stream: no row, or one.
SELECT created, epoch, seq FROM dray.sink_position WHERE sink = $1 AND stream = $2
