-- Into which streams rows were delivered, and how many, since a time and from an id on.
SELECT stream, count(*) FROM {table}
WHERE state = 'delivered' AND id >= $1::bigint AND ($2::timestamptz IS NULL OR delivered_at >= $2)
GROUP BY stream ORDER BY stream
