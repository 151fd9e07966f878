-- The delivered rows of a stream, in the order in which it holds them. The server sorts, on its disk where they
-- are many.
DECLARE dray_audit NO SCROLL CURSOR FOR
SELECT stream_seq, id, event_id::text, coalesce((extract(epoch FROM delivered_at) * 1000)::bigint, 0) FROM {table}
WHERE state = 'delivered' AND stream = $1::text AND id >= $2::bigint AND ($3::timestamptz IS NULL OR delivered_at >= $3)
ORDER BY stream_seq, id
