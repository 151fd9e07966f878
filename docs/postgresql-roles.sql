-- Least rights in PostgreSQL, to be run once by the owner of Dray's tables, after "dray migrate":
--
--   psql -d shop -f postgresql-roles.sql
--   CREATE ROLE relay LOGIN PASSWORD '...' IN ROLE dray_relay;
--
-- Only the owner migrates: let "dray migrate" run as that one at each upgrade, then run this file again.
-- A relay or sink with a table of its own needs the same rights on that one.
DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['dray_writer', 'dray_relay', 'dray_sink', 'dray_watcher'] LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
			EXECUTE format('CREATE ROLE %I NOLOGIN', name);
		END IF;
	END LOOP;
END
$$;

GRANT USAGE ON SCHEMA dray TO dray_writer, dray_relay, dray_sink, dray_watcher;

-- Applications: they write events and see of them the id alone.
GRANT INSERT (event_id, subject, key, headers, payload, created_at, available_at) ON dray.outbox TO dray_writer;
GRANT SELECT (event_id) ON dray.outbox TO dray_writer;

-- What every pipeline needs.
GRANT SELECT ON dray.schema_version TO dray_relay, dray_sink, dray_watcher;
GRANT SELECT, INSERT, UPDATE, DELETE ON dray.lease TO dray_relay, dray_sink;
GRANT SELECT, INSERT, UPDATE ON dray.pipeline TO dray_relay, dray_sink;

-- A relay. DELETE is for on_delivered: delete alone.
GRANT SELECT ON dray.outbox TO dray_relay;
GRANT UPDATE (state, attempts, retry_at, last_error, delivered_at, stream, stream_seq) ON dray.outbox TO dray_relay;
GRANT DELETE ON dray.outbox TO dray_relay;
GRANT SELECT, INSERT, UPDATE, DELETE ON dray.relay_position TO dray_relay;

-- A sink.
GRANT SELECT, INSERT ON dray.events TO dray_sink;
GRANT SELECT, INSERT, UPDATE ON dray.sink_position TO dray_sink;
GRANT SELECT, INSERT, UPDATE, DELETE ON dray.sink_dead, dray.sink_mark, dray.sink_version TO dray_sink;

-- "dray status", and whoever watches.
GRANT SELECT ON dray.pipeline, dray.lease, dray.outbox, dray.events, dray.sink_position, dray.sink_dead TO dray_watcher;
