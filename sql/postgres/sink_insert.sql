stored_{n} AS ( -- a row an event
	INSERT INTO {table} ({columns})
	SELECT {values}
	FROM unnest({arrays}) AS e ({names})
	WHERE EXISTS (SELECT FROM agreed)
)
