-- Moves the position, if it stands where it is believed to.
UPDATE dray_sink_position SET seq = ?6
WHERE sink = ?1 AND stream = ?2 AND created = ?3 AND epoch = ?4 AND seq = ?5
