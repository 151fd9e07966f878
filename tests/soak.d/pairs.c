/* The pipelines of a soak, and the application that writes for them. */
#include "pairs.h"

#define KEYS		 50
#define ROWS		 5 /* of a transaction */
#define MAPPED		 4 /* every so many-th sink has columns of its own */
#define MAPPED_TABLE	 "soak_events"
#define MAPPED_TABLE_SQL "CREATE TABLE " MAPPED_TABLE " (seq bigint, msg_id text, subject text)"

static const char *const orderings[] = { "key", "none", "stream" };
static const char *const leftovers[] = { "retention: 5m", "on_delivered: delete",
	"retention: off" };

static const char *kind_by(const struct pairs *pairs, int number)
{
	if (pairs->kind)
		return pairs->kind;
	return number % 2 ? "sqlite" : "postgres";
}

static const char *mapping(int number)
{
	if (number % MAPPED)
		return "";
	return ", table: " MAPPED_TABLE ", mode: insert, columns: { seq: \"@seq\", "
	       "msg_id: \"@msg_id\", subject: \"@subject\" }";
}

static char *sections(struct pairs *pairs)
{
	char *relays = text("relays:\n"), *sinks = text("sinks:\n");

	for (int i = 0; i < pairs->count; i++) {
		const struct pair_of *pair = &pairs->items[i];
		relays = text(
			"%s  - { name: out_%s, database: \"%s\", stream: %s, ordering: %s, %s }\n",
			relays, pair->name, testdb_url(pair->outbox), pair->name, orderings[i % 3],
			leftovers[i % 3]);
		sinks = text("%s  - { name: in_%s, database: \"%s\", stream: %s%s }\n", sinks,
			pair->name, testdb_url(pair->target), pair->name, mapping(i));
	}
	return text("%s%s", relays, sinks);
}

static void make_one(struct pairs *pairs, int number, struct jetstream *js)
{
	struct pair_of *pair = &pairs->items[number];

	pair->name = text("soak%d", number);
	pair->outbox = testdb_open(fixture_database(kind_by(pairs, number), pair->name));
	pair->target = testdb_open(fixture_database(kind_by(pairs, number / 2), pair->name));
	pair->table = number % MAPPED ? text("%s", testdb_table(pair->target, "events"))
				      : text(MAPPED_TABLE);
	if (number % MAPPED == 0)
		testdb_exec(pair->target, MAPPED_TABLE_SQL);
	jetstream_make(js, pair->name, text("\"%s.>\"", pair->name), NULL);
}

void pairs_make(struct pairs *pairs, int count, const char *kind)
{
	struct jetstream *js = jetstream_open(nats.url);

	pairs->count = count;
	pairs->kind = kind;
	pairs->items = keep(calloc((size_t)count, sizeof(*pairs->items)));
	for (int i = 0; i < count; i++)
		make_one(pairs, i, js);
	jetstream_close(js);
	pairs->http_port = free_port();
	pairs->config = fixture_config("soak", "http: { listen: \"127.0.0.1:%d\" }\n%s",
		pairs->http_port, sections(pairs));
	dray_expect(0, "migrate", "-c", pairs->config);
}

int pairs_sqlite_files(const struct pairs *pairs)
{
	int files = 0;

	for (int i = 0; i < pairs->count; i++)
		files += !testdb_is_postgres(pairs->items[i].outbox) +
			!testdb_is_postgres(pairs->items[i].target);
	return files;
}

void pairs_write(struct pairs *pairs, int events_a_second)
{
	for (int i = 0; i < pairs->count; i++)
		pairs->items[i].writer = writer_start(testdb_url(pairs->items[i].outbox),
			pairs->items[i].name, KEYS, ROWS, 1000 * ROWS / events_a_second);
}

void pairs_rest(struct pairs *pairs)
{
	for (int i = 0; i < pairs->count; i++)
		pairs->items[i].written = ROWS * writer_end(pairs->items[i].writer);
}

int64_t pair_stored(const struct pair_of *pair)
{
	return testdb_int(pair->target, "SELECT count(*) FROM %s", pair->table);
}

int64_t pair_different(const struct pair_of *pair)
{
	return testdb_int(pair->target, "SELECT count(DISTINCT msg_id) FROM %s", pair->table);
}

int64_t pair_waiting(const struct pair_of *pair)
{
	return testdb_int(pair->outbox, "SELECT count(*) FROM %s WHERE state <> 'delivered'",
		testdb_table(pair->outbox, "outbox"));
}
