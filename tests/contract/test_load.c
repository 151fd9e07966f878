/* A batch that the database refuses in part: the same cases on both databases. */
#include "both.h"

#include "db/migrate.h"
#include "sink/load.h"

#define MOST	    10000 /* the largest batch */
#define SOME	    2000
#define ONE_OF_MOST 20 /* transactions to find one among them: log2(10,000) is 13.3 */

static int databases;

struct bench {
	struct testdb *look;
	struct config *config;
	struct table *table;
	struct table_position position;
	struct load load;
	struct error err;
};

static struct bench set_up(const char *kind, double max_dead_ratio)
{
	struct bench b = { 0 };
	bool postgres = strcmp(kind, "postgres") == 0;
	char *name = text("load%d", ++databases);
	struct migrate_report report;

	if (postgres)
		pg_server_make_database(&server, name);
	char *url = postgres ? pg_server_url(&server, name)
			     : text("sqlite:%s", scratch_path("%s.db", name));
	struct db *db = db_create(url, "test", NULL, &b.err);
	const char *events = postgres ? "dray.events" : "dray_events";
	if (!db || !db_open(db, true, &b.err) ||
		!migrate_apply(db, MIGRATE_EVENTS, events, &report, &b.err))
		give_up("%s", b.err.text);
	db_destroy(db);
	b.look = testdb_open(url);
	b.config = config_default();
	struct config_sink *sink = config_add_sink(b.config, "archive", url, "SHOP");
	b.table = config_set(sink, "sink", "table", events, &b.err)
		? table_create(sink, NULL, &b.err)
		: NULL;
	if (!b.table || !table_open(b.table, &b.err) || !table_take(b.table, &b.err) ||
		!table_begin(b.table, "then", 0, &b.position, &b.err))
		give_up("%s", b.err.text);
	load_init(&b.load, MOST, max_dead_ratio);
	return b;
}

static void tear_down(struct bench *b)
{
	load_finish(&b->load);
	table_destroy(b->table);
	config_destroy(b->config);
	testdb_close(b->look);
}

static void fill(struct bench *b, uint64_t from, uint64_t to)
{
	load_clear(&b->load);
	for (uint64_t seq = from; seq <= to; seq++)
		load_add(&b->load,
			&(struct pull_message){ .subject = SLICE("shop.order"),
				.payload = SLICE("{}"),
				.seq = seq });
}

/* Makes the database refuse some events, by a condition on seq. */
static void refuse(struct bench *b, const char *which)
{
	testdb_exec(b->look,
		testdb_is_postgres(b->look)
			? "ALTER TABLE dray.events ADD CONSTRAINT not_here CHECK (NOT (%s)) NOT VALID"
			: "CREATE TRIGGER not_here BEFORE INSERT ON dray_events WHEN %s "
			  "BEGIN SELECT RAISE(ABORT, 'not_here'); END",
		testdb_is_postgres(b->look) ? which : text("NEW.%s", which));
}

static void repair(struct bench *b)
{
	testdb_exec(b->look, "%s",
		testdb_pick(b->look, "DROP TRIGGER not_here",
			"ALTER TABLE dray.events DROP CONSTRAINT not_here"));
}

static void stores(struct bench *b)
{
	if (!load_store(&b->load, b->table, &b->position, &b->err))
		give_up("%s", b->err.text);
	assert_int_equal(b->load.done, b->load.count);
}

static int64_t count(struct bench *b, const char *table)
{
	return testdb_int(b->look, "SELECT count(*) FROM %s", testdb_table(b->look, table));
}

static int64_t position_row(struct bench *b)
{
	return testdb_int(b->look, "SELECT seq FROM %s", testdb_table(b->look, "sink_position"));
}

static void a_good_batch_is_one_transaction(void **state)
{
	struct bench b = set_up(*state, 0);

	fill(&b, 1, MOST);
	stores(&b);
	assert_int_equal(b.load.tries, 1);
	assert_int_equal(count(&b, "events"), MOST);
	tear_down(&b);
}

/* The first, the last, and one in between. */
static void one_culprit_among_many(void **state)
{
	static const int culprits[] = { 1, 6789, MOST };
	size_t tries = 0;

	for (size_t i = 0; i < 3; i++) {
		struct bench b = set_up(*state, 0.001);
		refuse(&b, text("seq = %d", culprits[i]));
		fill(&b, 1, MOST);
		stores(&b);
		assert_int_equal(count(&b, "events"), MOST - 1);
		assert_int_equal(count(&b, "sink_dead"), 1);
		assert_int_equal(
			testdb_int(b.look, "SELECT seq FROM %s", testdb_table(b.look, "sink_dead")),
			culprits[i]);
		assert_contains(testdb_text(b.look, "SELECT error FROM %s",
					testdb_table(b.look, "sink_dead")),
			"not_here");
		assert_int_equal(position_row(&b), MOST);
		assert_in_range(b.load.tries, 2, ONE_OF_MOST);
		tries = b.load.tries > tries ? b.load.tries : tries;
		tear_down(&b);
	}
	say("%s: 1 culprit among %d took %zu transactions at most", (const char *)*state, MOST,
		tries);
}

static void many_culprits(void **state)
{
	struct bench b = set_up(*state, 1);

	refuse(&b, "seq % 100 = 7");
	fill(&b, 1, SOME);
	stores(&b);
	assert_int_equal(count(&b, "events"), SOME - SOME / 100);
	assert_int_equal(load_dead(&b.load), SOME / 100);
	assert_in_range(b.load.tries, 2, SOME / 100 * ONE_OF_MOST);
	say("%s: %d culprits among %d took %zu transactions", (const char *)*state, SOME / 100,
		SOME, b.load.tries);
	tear_down(&b);
}

static void all_are_culprits(void **state)
{
	struct bench b = set_up(*state, 1);

	refuse(&b, "seq > 0");
	fill(&b, 1, 200);
	stores(&b);
	assert_int_equal(count(&b, "sink_dead"), 200);
	assert_in_range(b.load.tries, 200, 200 * 4);
	tear_down(&b);
}

/* What the database refuses together but takes one by one is nobody's fault. */
static void nobody_is_at_fault(void **state)
{
	struct bench b = set_up(*state, 0);

	testdb_exec(b.look, "%s",
		"CREATE FUNCTION few() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
		"IF (SELECT count(*) FROM new) > 9 THEN RAISE 'too many at once'; END IF; "
		"RETURN NULL; END $$;"
		"CREATE TRIGGER few AFTER INSERT ON dray.events REFERENCING NEW TABLE AS new "
		"FOR EACH STATEMENT EXECUTE FUNCTION few()");
	fill(&b, 1, 100);
	stores(&b);
	assert_int_equal(count(&b, "events"), 100);
	assert_int_equal(count(&b, "sink_dead"), 0);
	tear_down(&b);
}

/* Nothing more is moved aside than the quota allows, however often it is tried; a repair lets it go on. */
static void a_constraint_that_refuses_all(void **state)
{
	struct bench b = set_up(*state, 0.02);

	fill(&b, 1, 100);
	stores(&b);
	refuse(&b, "seq > 0");
	fill(&b, 101, 1100);
	for (int i = 0; i < 3; i++) {
		assert_false(load_store(&b.load, b.table, &b.position, &b.err));
		assert_int_equal(b.err.kind, ERROR_REJECTED);
		assert_contains(b.err.text, "20 of the last 1000 events");
		assert_contains(b.err.text, "sequence 121");
		assert_contains(b.err.text, "not_here");
		assert_int_equal(count(&b, "sink_dead"), 20);
		assert_int_equal(count(&b, "events"), 100);
		assert_int_equal(position_row(&b), 120);
		assert_int_equal(load_dead(&b.load), i == 0 ? 20 : 0);
		fill(&b, 121, 1100);
	}
	repair(&b);
	stores(&b);
	assert_int_equal(count(&b, "events"), 100 + 980);
	assert_int_equal(position_row(&b), 1100);
	tear_down(&b);
}

/* Events that no table could hold count too. */
static void faults_of_the_mapping_count(void **state)
{
	struct bench b = set_up(*state, 0.005);

	load_clear(&b.load);
	for (uint64_t seq = 1; seq <= 20; seq++)
		load_add(&b.load,
			&(struct pull_message){
				.subject = SLICE("a\xff"), .payload = SLICE("{}"), .seq = seq });
	assert_false(load_store(&b.load, b.table, &b.position, &b.err));
	assert_int_equal(b.err.kind, ERROR_REJECTED);
	assert_contains(b.err.text, "not UTF-8");
	assert_int_equal(count(&b, "sink_dead"), 5);
	assert_int_equal(position_row(&b), 5);
	assert_int_equal(b.load.tries, 1);
	tear_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_KINDS(a_good_batch_is_one_transaction),
		ON_KINDS(one_culprit_among_many),
		ON_KINDS(many_culprits),
		ON_KINDS(all_are_culprits),
		ON_KIND(nobody_is_at_fault, "postgres"),
		ON_KINDS(a_constraint_that_refuses_all),
		ON_KINDS(faults_of_the_mapping_count),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("load", tests, server_start, server_stop);
}
