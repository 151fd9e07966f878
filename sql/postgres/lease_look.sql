-- Who holds a lease, and how often it was renewed; a length of 0 says that it was given back. Whether it is paused.
SELECT holder, epoch, renewals, length_ms, to_char(paused_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
	paused_by, paused_why
FROM dray.lease WHERE resource = $1
