-- Reads an outbox: every question in one statement, so in one snapshot. Each gives at most a number of rows
-- and of payload bytes (one row at least). A row that is not due comes without headers and payload.
-- The conditions are written so that whatever the statistics say, each goes by its partial index: a row
-- comparison, and an order by state and id, cannot go by the primary key, and a range with two ends is rated as
-- small. Beside a row comparison stands no state = 'pending': the index would be read from there on, past every
-- row that was settled and not vacuumed yet, and not from the id on.
-- A clock that was set back must hold nothing: a row that the application did not schedule is due whatever
-- its times say, and so is one whose next try lies further away than any try is put off ($11).
SELECT source, id, event_id, subject, key, attempts, created_at, available_at, retry_at, at,
	CASE WHEN due THEN headers END, CASE WHEN due THEN payload END, size
FROM (SELECT *, (available_at <= at OR available_at <= created_at)
	AND coalesce(retry_at <= at OR retry_at > at + $11::bigint * interval '1 ms', true) AS due
FROM (
	-- new rows
	SELECT 1 AS source, * FROM (
		SELECT *, sum(size) OVER (ORDER BY state, id ROWS UNBOUNDED PRECEDING) - size AS before FROM (
			SELECT state, id, event_id, subject, key, attempts, created_at, available_at, retry_at, statement_timestamp() AS at,
				headers, payload, octet_length(payload) AS size
			FROM {table} WHERE state <> 'delivered' AND (state, id) > ('pending', $1::bigint)
				AND (state, id) <= ('pending', 9223372036854775807)
			ORDER BY state, id LIMIT $2
		) AS found
	) AS counted WHERE before < $3
	UNION ALL
	-- rows in open gaps: of a wide one (the first begins before all ids) the first that are pending from its low end on,
	-- since by the primary key they would be behind every row in it that is settled
	SELECT 2 AS source, * FROM (
		SELECT *, sum(size) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) - size AS before FROM (
			SELECT state, id, event_id, subject, key, attempts, created_at, available_at, retry_at, statement_timestamp() AS at,
				headers, payload, octet_length(payload) AS size
			FROM unnest($4::bigint[], $5::bigint[]) AS gap (low, high) CROSS JOIN LATERAL (
				(SELECT * FROM {table} WHERE high::numeric - low < 10000 AND state = 'pending' AND id >= low AND id <= high
				ORDER BY id LIMIT $2)
				UNION ALL
				SELECT * FROM (
					SELECT * FROM {table} WHERE high::numeric - low >= 10000 AND state <> 'delivered'
						AND (state, id) >= ('pending', low) AND (state, id) <= ('pending', 9223372036854775807)
					ORDER BY state, id LIMIT $2
				) AS first WHERE id <= high
			) AS row LIMIT $2
		) AS found
	) AS counted WHERE before < $3
	UNION ALL
	-- the sweep: pending rows that were read before, or should have been
	SELECT 0 AS source, * FROM (
		SELECT *, sum(size) OVER (ORDER BY state, id ROWS UNBOUNDED PRECEDING) - size AS before FROM (
			SELECT state, id, event_id, subject, key, attempts, created_at, available_at, retry_at, statement_timestamp() AS at,
				headers, payload, octet_length(payload) AS size
			FROM {table} WHERE state <> 'delivered' AND (state, id) > ('pending', $6::bigint)
				AND (state, id) <= ('pending', $7::bigint)
			ORDER BY state, id LIMIT $8
		) AS found
	) AS counted WHERE before < $3
	UNION ALL
	-- rows that failed and are due by then
	SELECT 3 AS source, * FROM (
		SELECT *, sum(size) OVER (ORDER BY retry_at, id ROWS UNBOUNDED PRECEDING) - size AS before FROM (
			SELECT state, id, event_id, subject, key, attempts, created_at, available_at, retry_at, statement_timestamp() AS at,
				headers, payload, octet_length(payload) AS size
			FROM {table} WHERE state = 'pending' AND retry_at > '-infinity'
				AND retry_at <= statement_timestamp() + $9::bigint * interval '1 ms'
			ORDER BY retry_at LIMIT $10
		) AS found
	) AS counted WHERE before < $3
	UNION ALL
	-- rows that failed before the clock was set back
	SELECT 3 AS source, * FROM (
		SELECT *, sum(size) OVER (ORDER BY retry_at, id ROWS UNBOUNDED PRECEDING) - size AS before FROM (
			SELECT state, id, event_id, subject, key, attempts, created_at, available_at, retry_at, statement_timestamp() AS at,
				headers, payload, octet_length(payload) AS size
			FROM {table} WHERE state = 'pending' AND retry_at < 'infinity'
				AND retry_at > statement_timestamp() + $11::bigint * interval '1 ms'
			ORDER BY retry_at LIMIT $10
		) AS found
	) AS counted WHERE before < $3
	UNION ALL
	-- rows that the application scheduled and are due by then
	SELECT 4 AS source, * FROM (
		SELECT *, sum(size) OVER (ORDER BY available_at, id ROWS UNBOUNDED PRECEDING) - size AS before FROM (
			SELECT state, id, event_id, subject, key, attempts, created_at, available_at, retry_at, statement_timestamp() AS at,
				headers, payload, octet_length(payload) AS size
			FROM {table} WHERE state = 'pending' AND available_at > created_at
				AND available_at > '-infinity' AND available_at <= statement_timestamp() + $9::bigint * interval '1 ms'
			ORDER BY available_at LIMIT $10
		) AS found
	) AS counted WHERE before < $3
) AS answers) AS judged
