-- How an application writes an event: SELECT dray.emit('shop.order', '{"id":1}', 'order-1'). The payload
-- arrives byte for byte; a bare literal into bytea would be read with backslash escapes. Gives event_id.
CREATE FUNCTION dray.emit(subject text, payload bytea, key text DEFAULT NULL, headers jsonb DEFAULT NULL)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
	made uuid;
BEGIN
	INSERT INTO dray.outbox AS o (subject, key, headers, payload)
	VALUES (emit.subject, emit.key, emit.headers, emit.payload)
	RETURNING o.event_id INTO made;
	RETURN made;
END
$$;

CREATE FUNCTION dray.emit(subject text, payload text, key text DEFAULT NULL, headers jsonb DEFAULT NULL)
RETURNS uuid LANGUAGE sql AS $$
	SELECT dray.emit($1, convert_to($2, 'UTF8'), $3, $4)
$$;

CREATE FUNCTION dray.emit(subject text, payload jsonb, key text DEFAULT NULL, headers jsonb DEFAULT NULL)
RETURNS uuid LANGUAGE sql AS $$
	SELECT dray.emit($1, convert_to($2::text, 'UTF8'), $3, $4)
$$;
