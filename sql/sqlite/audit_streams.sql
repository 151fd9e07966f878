-- Into which streams rows were delivered, and how many, since a time and from an id on.
SELECT stream, count(*) FROM {table}
WHERE state = 'delivered' AND id >= ?1 AND (?2 IS NULL OR delivered_at >= ?2)
GROUP BY stream ORDER BY stream
