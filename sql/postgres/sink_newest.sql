-- The newest event of an epoch up to a sequence.
SELECT seq, subject, msg_id, to_char(published_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
FROM {table}
WHERE stream = $1 AND epoch = $2::bigint AND seq <= $3::bigint
ORDER BY seq DESC LIMIT 1
