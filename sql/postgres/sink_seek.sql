-- Moves a sink within its stream and epoch, wherever it stands by now: whoever stores finds it moved.
UPDATE dray.sink_position SET seq = $4::bigint
WHERE sink = $1 AND stream = $2 AND created = $3
