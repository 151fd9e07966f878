/* create: true: the table that a sink makes itself, after a sample of its stream; on both databases. */
#include "both.h"

#include "sink/ddl.h"

static struct nats_server nats;
static int databases;

struct scene {
	struct testdb *look;
	struct db *db;
	struct config *config;
	struct config_sink *sink;
	struct link *link;
	struct jetstream *js;
	struct error err;
};

static struct scene set(const char *kind)
{
	struct scene s = { 0 };
	bool postgres = strcmp(kind, "postgres") == 0;
	char *name = text("ddl%d", ++databases), *stream = text("S%d", databases);

	if (postgres)
		pg_server_make_database(&server, name);
	char *url = postgres ? pg_server_url(&server, name)
			     : text("sqlite:%s", scratch_path("%s.db", name));
	s.look = testdb_open(url);
	s.db = db_create(url, "test", NULL, &s.err);
	s.config = config_default();
	s.sink = config_add_sink(s.config, "in", url, stream);
	bool ok = s.db && db_open(s.db, true, &s.err) &&
		config_set(&s.config->nats, "nats", "url", nats.url, &s.err) &&
		config_set(s.sink, "sink", "table", "orders", &s.err) &&
		config_set(s.sink, "sink", "create", "true", &s.err) &&
		config_set(s.sink, "sink", "columns.id", "$.id", &s.err) &&
		config_set(s.sink, "sink", "columns.at", "@time", &s.err);
	s.link = link_create(&s.config->nats, "test", NULL);
	if (!ok || !link_connect(s.link, &s.err))
		give_up("%s", s.err.text);
	s.js = jetstream_open(nats.url);
	jetstream_make(s.js, stream, text("\"%s.>\"", stream), NULL);
	return s;
}

static void end(struct scene *s)
{
	jetstream_close(s->js);
	link_destroy(s->link);
	db_destroy(s->db);
	config_destroy(s->config);
	testdb_close(s->look);
}

static void publish(struct scene *s, const char *subject, const char *payload)
{
	jetstream_publish(s->js, text("%s.%s", s->sink->stream, subject), NULL, payload);
}

static bool makes(struct scene *s)
{
	bool made;

	if (!ddl_create(s->db, s->link, s->sink, 0, &made, &s->err))
		give_up("%s", s->err.text);
	return made;
}

static int64_t columns(struct scene *s)
{
	return testdb_int(s->look, "%s",
		testdb_pick(s->look, "SELECT count(*) FROM pragma_table_info('orders')",
			"SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('orders') "
			"AND attnum > 0"));
}

/* Until the stream has an event there is nothing that tells the types. */
static void an_empty_stream_is_waited_for(void **state)
{
	struct scene s = set(*state);
	bool made;

	assert_false(ddl_create(s.db, s.link, s.sink, 0, &made, &s.err));
	assert_int_equal(s.err.kind, ERROR_UNAVAILABLE);
	assert_contains(s.err.text, "has no event yet that tells the types of table orders");
	assert_int_equal(columns(&s), 0);
	publish(&s, "a", "");
	assert_false(ddl_create(s.db, s.link, s.sink, 0, &made, &s.err));
	publish(&s, "a", "{\"id\":7}");
	assert_true(makes(&s));
	assert_int_equal(columns(&s), 2);
	end(&s);
}

/* What is there was made by somebody who knows. */
static void a_table_that_is_there_stays(void **state)
{
	struct scene s = set(*state);

	testdb_exec(s.look, "CREATE TABLE orders (x text)");
	assert_false(makes(&s));
	publish(&s, "a", "{\"id\":7}");
	assert_false(makes(&s));
	assert_int_equal(columns(&s), 1);
	end(&s);
}

/* Neither what stands between the two ends, nor what the sink does not want. */
static void the_sample_has_both_ends(void **state)
{
	struct scene s = set(*state);
	struct sample sample;

	for (int i = 1; i <= SAMPLE_EVENTS + 200; i++)
		publish(&s, i % 100 == 0 ? "rare" : "usual", text("%d", i));
	sample_init(&sample);
	assert_true(ddl_read(s.link, s.sink, 0, &sample, &s.err));
	assert_int_equal(sample.count, SAMPLE_EVENTS);
	assert_true(slice_is(sample.payloads[0], "1"));
	assert_true(slice_is(sample.payloads[SAMPLE_EVENTS / 2 - 1], "500"));
	assert_true(slice_is(sample.payloads[SAMPLE_EVENTS / 2], "701"));
	assert_true(slice_is(sample.payloads[SAMPLE_EVENTS - 1], "1200"));
	assert_true(sample.several_subjects);
	sample_finish(&sample);
	assert_true(
		config_set(s.sink, "sink", "subjects", text("%s.rare", s.sink->stream), &s.err));
	sample_init(&sample);
	assert_true(ddl_read(s.link, s.sink, 0, &sample, &s.err));
	assert_int_equal(sample.count, 12);
	assert_false(sample.several_subjects);
	sample_finish(&sample);
	end(&s);
}

static int start(void **state)
{
	server_start(state);
	nats_server_start(&nats, "nats", NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_KINDS(an_empty_stream_is_waited_for),
		ON_KINDS(a_table_that_is_there_stays),
		ON_KIND(the_sample_has_both_ends, "sqlite"),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("ddl", tests, start, NULL);
}
