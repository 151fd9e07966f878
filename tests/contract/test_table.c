/* A sink's target table: the same cases on both databases, each case in a database of its own. */
#include "both.h"

#include "db/migrate.h"
#include "sink/load.h"
#include "sink/table.h"

#define NS INT64_C(1000000000)

static int databases;

/* A sink with its table in a fresh database. */
struct fresh {
	struct testdb *look;
	struct config *config;
	struct config_sink *sink;
	struct table *table;
	struct table_position position;
};

static struct table *open_table(const struct config_sink *sink)
{
	struct error err;
	struct table *table = table_create(sink, NULL, &err);

	if (!table || !table_open(table, &err))
		give_up("%s", err.text);
	return table;
}

static struct config_sink *add_sink(struct fresh *fresh, const char *name)
{
	const char *url = testdb_url(fresh->look);
	struct config_sink *sink = config_add_sink(fresh->config, name, url, "SHOP");
	struct error err;

	if (!config_set(sink, "sink", "table", testdb_table(fresh->look, "events"), &err))
		give_up("%s", err.text);
	return sink;
}

static void migrate(const char *url, bool postgres)
{
	struct migrate_report report;
	struct error err;
	struct db *db = db_create(url, "test", NULL, &err);

	if (!db || !db_open(db, true, &err) ||
		!migrate_apply(db, MIGRATE_EVENTS, postgres ? "dray.events" : "dray_events",
			&report, &err))
		give_up("%s", err.text);
	db_destroy(db);
}

static struct fresh make(bool postgres)
{
	struct fresh fresh = { 0 };
	struct error err;
	char *name = text("fresh%d", ++databases);

	if (postgres)
		pg_server_make_database(&server, name);
	char *url = postgres ? pg_server_url(&server, name)
			     : text("sqlite:%s", scratch_path("%s.db", name));
	migrate(url, postgres);
	fresh.look = testdb_open(url);
	fresh.config = config_default();
	fresh.sink = add_sink(&fresh, "archive");
	fresh.table = open_table(fresh.sink);
	if (!table_take(fresh.table, &err))
		give_up("%s", err.text);
	return fresh;
}

static void drop(struct fresh *fresh)
{
	table_destroy(fresh->table);
	config_destroy(fresh->config);
	testdb_close(fresh->look);
}

static void begin(struct fresh *fresh, const char *created, int64_t seq)
{
	struct error err;

	if (!table_begin(fresh->table, created, seq, &fresh->position, &err))
		give_up("%s", err.text);
}

static struct table_event event(int64_t seq)
{
	return (struct table_event){ .event = { .subject = SLICE("shop.order"),
					     .payload = SLICE("{}") },
		.seq = seq,
		.time_ns = 1700000000 * NS };
}

static void store(struct fresh *fresh, const struct table_event *events, size_t count)
{
	struct error err;

	if (!table_store(
		    fresh->table, &fresh->position, events, count, events[count - 1].seq, &err))
		give_up("%s", err.text);
}

static void refused(struct fresh *fresh, const struct table_event *events, size_t count,
	enum error_kind kind, const char *wanted)
{
	int64_t before = fresh->position.seq, seq = events[count - 1].seq;
	struct error err;

	if (table_store(fresh->table, &fresh->position, events, count, seq, &err))
		give_up("it was stored");
	if (err.kind != kind)
		give_up("kind %d: %s", err.kind, err.text);
	assert_contains(err.text, wanted);
	assert_int_equal(fresh->position.seq, before);
}

static int64_t stored(struct fresh *fresh)
{
	return testdb_int(
		fresh->look, "SELECT count(*) FROM %s", testdb_table(fresh->look, "events"));
}

static int64_t dead(struct fresh *fresh)
{
	return testdb_int(
		fresh->look, "SELECT count(*) FROM %s", testdb_table(fresh->look, "sink_dead"));
}

static int64_t position_row(struct fresh *fresh)
{
	return testdb_int(fresh->look, "SELECT seq FROM %s WHERE sink = 'archive'",
		testdb_table(fresh->look, "sink_position"));
}

static void a_new_sink_stands_nowhere(bool postgres)
{
	struct fresh fresh = make(postgres);
	struct error err;
	bool found = true;

	assert_true(table_load(fresh.table, &found, &fresh.position, &err));
	assert_false(found);
	begin(&fresh, "2026-01-01T00:00:00.123456789Z", 41);
	assert_int_equal(fresh.position.epoch, 0);
	assert_int_equal(fresh.position.seq, 41);
	assert_true(table_load(fresh.table, &found, &fresh.position, &err));
	assert_true(found);
	assert_string_equal(fresh.position.created, "2026-01-01T00:00:00.123456789Z");
	assert_int_equal(fresh.position.seq, 41);
	drop(&fresh);
}

static void a_batch_moves_the_position(bool postgres)
{
	struct fresh fresh = make(postgres);
	const struct table_event events[] = { event(1), event(2), event(5) };

	begin(&fresh, "then", 0);
	store(&fresh, events, 3);
	assert_int_equal(fresh.position.seq, 5);
	assert_int_equal(position_row(&fresh), 5);
	assert_int_equal(stored(&fresh), 3);
	drop(&fresh);
}

static void every_byte_is_kept(bool postgres)
{
	struct fresh fresh = make(postgres);
	char bytes[256];
	struct table_event events[] = { event(1), event(2) };

	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	events[0].event = (struct event){ .id = SLICE("id-1"),
		.subject = SLICE("shop.gr\xc3\xb6\xc3\x9f"),
		.key = SLICE("k 1"),
		.headers = SLICE("{\"A\":[\"1\",\"\"],\"B\":\"\\u0001\\\"\"}"),
		.payload = { bytes, 256 } };
	events[0].time_ns = 1700000000 * NS + 123456789;
	events[1].event.payload = (struct slice){ "", 0 };
	begin(&fresh, "then", 0);
	store(&fresh, events, 2);
	const char *table = testdb_table(fresh.look, "events");
	char *hex = testdb_text(fresh.look, "SELECT %s FROM %s WHERE seq = 1",
		testdb_pick(fresh.look, "lower(hex(payload))", "encode(payload, 'hex')"), table);
	assert_string_equal(hex, text_hex(bytes, 256));
	assert_string_equal(
		testdb_text(fresh.look,
			"SELECT stream || epoch || subject || key || msg_id FROM %s WHERE seq = 1",
			table),
		"SHOP0shop.gr\xc3\xb6\xc3\x9fk 1id-1");
	char *headers = testdb_text(fresh.look, "SELECT headers FROM %s WHERE seq = 1", table);
	assert_contains(headers, "\\u0001\\\"");
	assert_contains(testdb_text(fresh.look, "SELECT published_at FROM %s WHERE seq = 1", table),
		postgres ? "22:13:20.123456" : "2023-11-14T22:13:20.123Z");
	assert_int_equal(
		testdb_int(fresh.look,
			"SELECT count(*) FROM %s WHERE seq = 2 AND key IS NULL AND msg_id IS NULL "
			"AND headers IS NULL AND length(payload) = 0",
			table),
		1);
	drop(&fresh);
}

static void a_moved_position_stores_nothing(bool postgres)
{
	struct fresh fresh = make(postgres);
	const struct table_event events[] = { event(1), event(2) };

	begin(&fresh, "then", 0);
	testdb_exec(fresh.look, "UPDATE %s SET seq = 1", testdb_table(fresh.look, "sink_position"));
	refused(&fresh, events, 2, ERROR_CONFLICT, "position of sink archive was moved");
	testdb_exec(fresh.look, "UPDATE %s SET seq = 0, epoch = 1",
		testdb_table(fresh.look, "sink_position"));
	refused(&fresh, events, 2, ERROR_CONFLICT, "position of sink archive was moved");
	testdb_exec(fresh.look, "UPDATE %s SET epoch = 0, created = 'now'",
		testdb_table(fresh.look, "sink_position"));
	refused(&fresh, events, 2, ERROR_CONFLICT, "position of sink archive was moved");
	assert_int_equal(stored(&fresh), 0);
	assert_int_equal(position_row(&fresh), 0);
	drop(&fresh);
}

static void a_lost_lease_stores_nothing(bool postgres)
{
	struct fresh fresh = make(postgres);
	const struct table_event events[] = { event(1) };

	begin(&fresh, "then", 0);
	testdb_exec(fresh.look, "UPDATE %s SET epoch = epoch + 1, holder = 'other'",
		testdb_table(fresh.look, "lease"));
	refused(&fresh, events, 1, ERROR_CONFLICT, "another process holds sink:archive");
	assert_int_equal(stored(&fresh), 0);
	assert_int_equal(position_row(&fresh), 0);
	drop(&fresh);
}

static void a_store_renews_the_lease(bool postgres)
{
	struct fresh fresh = make(postgres);
	const struct table_event events[] = { event(1) };
	const char *lease = testdb_table(fresh.look, "lease");

	begin(&fresh, "then", 0);
	char *before = testdb_text(fresh.look, "SELECT expires_at FROM %s", lease);
	int64_t renewals = testdb_int(fresh.look, "SELECT renewals FROM %s", lease);
	nap(20);
	store(&fresh, events, 1);
	char *after = testdb_text(fresh.look, "SELECT expires_at FROM %s", lease);
	assert_true(strcmp(after, before) > 0);
	assert_int_equal(testdb_int(fresh.look, "SELECT renewals FROM %s", lease), renewals + 1);
	drop(&fresh);
}

static void only_one_holds_a_sink(bool postgres)
{
	struct fresh fresh = make(postgres);
	struct table *second = open_table(fresh.sink);
	struct error err;

	assert_false(table_take(second, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_contains(err.text, "sink:archive is held by");
	table_destroy(fresh.table);
	fresh.table = second;
	assert_true(table_take(second, &err));
	drop(&fresh);
}

static void what_is_at_fault_is_set_aside(bool postgres)
{
	struct fresh fresh = make(postgres);
	struct table_event events[] = { event(1), event(2), event(3) };
	const char *table = testdb_table(fresh.look, "sink_dead");

	events[1].fault = "the subject is not UTF-8";
	events[1].event.key = SLICE("k");
	events[1].event.headers = SLICE("{\"A\":\"1\"}");
	begin(&fresh, "then", 0);
	store(&fresh, events, 3);
	assert_int_equal(stored(&fresh), 2);
	assert_int_equal(dead(&fresh), 1);
	assert_string_equal(
		testdb_text(fresh.look,
			"SELECT sink || stream || epoch || seq || subject || key || error FROM %s",
			table),
		"archiveSHOP02shop.orderkthe subject is not UTF-8");
	assert_contains(testdb_text(fresh.look, "SELECT headers FROM %s", table), "\"A\"");
	drop(&fresh);
}

/* Makes the database refuse the sequences that end with 7. */
static void refuse_sevens(struct fresh *fresh)
{
	testdb_exec(fresh->look, "%s",
		testdb_pick(fresh->look,
			"CREATE TRIGGER sevens BEFORE INSERT ON dray_events WHEN NEW.seq % 10 = 7 "
			"BEGIN SELECT RAISE(ABORT, 'no sevens here'); END",
			"ALTER TABLE dray.events ADD CONSTRAINT \"no sevens here\" "
			"CHECK (seq % 10 <> 7)"));
}

static void a_refused_batch_stores_nothing(bool postgres)
{
	struct fresh fresh = make(postgres);
	const struct table_event events[] = { event(6), event(7), event(8) };

	refuse_sevens(&fresh);
	begin(&fresh, "then", 5);
	refused(&fresh, events, 3, ERROR_REJECTED, "no sevens here");
	assert_int_equal(stored(&fresh), 0);
	assert_int_equal(position_row(&fresh), 5);
	drop(&fresh);
}

static void culprits_are_found_and_neighbours_stored(bool postgres)
{
	struct fresh fresh = make(postgres);
	struct load load;
	struct error err;

	refuse_sevens(&fresh);
	begin(&fresh, "then", 0);
	load_init(&load, 35, 1);
	for (uint64_t seq = 1; seq <= 35; seq++)
		load_add(&load,
			&(struct pull_message){ .subject = SLICE("shop.order"),
				.payload = SLICE("{}"),
				.seq = seq });
	if (!load_store(&load, fresh.table, &fresh.position, &err))
		give_up("%s", err.text);
	assert_int_equal(load_dead(&load), 3);
	load_finish(&load);
	assert_int_equal(stored(&fresh), 32);
	assert_int_equal(position_row(&fresh), 35);
	assert_int_equal(testdb_int(fresh.look, "SELECT count(*) FROM %s WHERE seq IN (7, 17, 27)",
				 testdb_table(fresh.look, "sink_dead")),
		3);
	assert_contains(testdb_text(fresh.look, "SELECT min(error) FROM %s",
				testdb_table(fresh.look, "sink_dead")),
		"no sevens here");
	drop(&fresh);
}

static void what_is_stored_already_stays(bool postgres)
{
	struct fresh fresh = make(postgres);
	struct table_event events[] = { event(1), event(2) };

	begin(&fresh, "then", 0);
	store(&fresh, events, 1);
	events[0].event.payload = SLICE("again");
	store(&fresh, events, 2);
	assert_int_equal(stored(&fresh), 2);
	assert_int_equal(testdb_int(fresh.look, "SELECT max(length(payload)) FROM %s",
				 testdb_table(fresh.look, "events")),
		2);
	drop(&fresh);
}

static void a_stream_made_anew_is_a_new_epoch(bool postgres)
{
	struct fresh fresh = make(postgres);
	const struct table_event events[] = { event(1), event(2) };
	struct error err;

	begin(&fresh, "then", 0);
	store(&fresh, events, 2);
	assert_true(table_next_epoch(fresh.table, "now", 0, &fresh.position, &err));
	assert_int_equal(fresh.position.epoch, 1);
	assert_int_equal(fresh.position.seq, 0);
	assert_string_equal(fresh.position.created, "now");
	store(&fresh, events, 2);
	assert_int_equal(stored(&fresh), 4);
	/* Gone back: the same creation, and yet another epoch. */
	assert_true(table_next_epoch(fresh.table, "now", 0, &fresh.position, &err));
	assert_int_equal(fresh.position.epoch, 2);
	fresh.position.seq = 7;
	assert_false(table_next_epoch(fresh.table, "later", 0, &fresh.position, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	drop(&fresh);
}

static void sinks_of_one_stream_agree_on_its_epoch(bool postgres)
{
	struct fresh fresh = make(postgres);
	const struct table_event events[] = { event(1), event(2) };
	struct table_position position;
	struct error err;

	begin(&fresh, "then", 0);
	store(&fresh, events, 2);
	assert_true(table_next_epoch(fresh.table, "now", 0, &fresh.position, &err));
	struct table *other = open_table(add_sink(&fresh, "other"));
	assert_true(table_begin(other, "now", 0, &position, &err));
	assert_int_equal(position.epoch, 1);
	table_destroy(other);
	/* Rows of a former stream are never taken for those of a new one. */
	testdb_exec(fresh.look, "DELETE FROM %s", testdb_table(fresh.look, "sink_position"));
	other = open_table(add_sink(&fresh, "third"));
	assert_true(table_begin(other, "now", 0, &position, &err));
	assert_int_equal(position.epoch, 1);
	table_destroy(other);
	fresh.sink = &fresh.config->sinks[0];
	drop(&fresh);
}

static void a_missing_table_is_named(bool postgres)
{
	struct fresh fresh = make(postgres);
	struct error err;

	table_close(fresh.table);
	testdb_exec(fresh.look, "DROP TABLE %s", testdb_table(fresh.look, "events"));
	assert_false(table_open(fresh.table, &err));
	assert_int_equal(err.kind, ERROR_SCHEMA);
	assert_contains(err.text, testdb_table(fresh.look, "events"));
	drop(&fresh);
}

ON_BOTH(a_new_sink_stands_nowhere)
ON_BOTH(a_batch_moves_the_position)
ON_BOTH(every_byte_is_kept)
ON_BOTH(a_moved_position_stores_nothing)
ON_BOTH(a_lost_lease_stores_nothing)
ON_BOTH(a_store_renews_the_lease)
ON_BOTH(only_one_holds_a_sink)
ON_BOTH(what_is_at_fault_is_set_aside)
ON_BOTH(a_refused_batch_stores_nothing)
ON_BOTH(culprits_are_found_and_neighbours_stored)
ON_BOTH(what_is_stored_already_stays)
ON_BOTH(a_stream_made_anew_is_a_new_epoch)
ON_BOTH(sinks_of_one_stream_agree_on_its_epoch)
ON_BOTH(a_missing_table_is_named)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_new_sink_stands_nowhere),
		BOTH(a_batch_moves_the_position),
		BOTH(every_byte_is_kept),
		BOTH(a_moved_position_stores_nothing),
		BOTH(a_lost_lease_stores_nothing),
		BOTH(a_store_renews_the_lease),
		BOTH(only_one_holds_a_sink),
		BOTH(what_is_at_fault_is_set_aside),
		BOTH(a_refused_batch_stores_nothing),
		BOTH(culprits_are_found_and_neighbours_stored),
		BOTH(what_is_stored_already_stays),
		BOTH(a_stream_made_anew_is_a_new_epoch),
		BOTH(sinks_of_one_stream_agree_on_its_epoch),
		BOTH(a_missing_table_is_named),
	};

	return cmocka_run_group_tests(tests, server_start, server_stop);
}
