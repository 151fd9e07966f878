-- Moves a sink within its stream and epoch, wherever it stands by now: whoever stores finds it moved.
UPDATE dray_sink_position SET seq = CAST(?4 AS INTEGER)
WHERE sink = ?1 AND stream = ?2 AND created = ?3
