-- Forgets keys of a sink that were deleted so long ago, between two places. One that is in use is left out: who waits
-- for nobody cannot be a part of a deadlock.
DELETE FROM dray.sink_version WHERE ctid = ANY (ARRAY(
	SELECT ctid FROM dray.sink_version
	WHERE sink = $1 AND deleted AND (stream, key) > ($2, $3) AND (stream, key) <= ($5, $6)
		AND changed_at < clock_timestamp() - $4::bigint * interval '1 ms'
	FOR UPDATE SKIP LOCKED))
