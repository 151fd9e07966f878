-- Notes where a stream holds rows now: [[id, sequence before, sequence], ...], in which stream.
UPDATE {table} AS o SET stream_seq = u.seq, delivered_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
FROM (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS was, json_extract(value, '$[2]') AS seq
	FROM json_each(?1)) AS u
WHERE o.id = u.id AND o.state = 'delivered' AND o.stream = ?2 AND o.stream_seq = u.was
