/* What writers do. */
#include "actions.h"

#include <stdio.h>

#include "sql.h"
#include "world.h"

#define HOT_KEYS      3
#define COLD_KEYS     60
#define PREPARED_ROWS 3

const char *const action_names[ACTIONS] = { "single", "burst", "hot-burst", "keyless", "rollback",
	"savepoint", "scheduled", "poison", "same-id", "late", "ahead", "slow", "prepared" };

unsigned action_weight(enum action action, const struct plan *plan)
{
	static const unsigned usual[ACTIONS] = { 40, 20, 8, 15, 8, 6, 3, 4, 8, 4, 4, 4, 8 };
	bool postgres = plan->options.postgres;

	if (action == ACTION_SAME_ID) /* needs an order, and a stream that remembers the first */
		return strcmp(plan->ordering, "none") == 0 || plan->window_ms < 60000 ||
				(postgres && plan->cached_ids)
			? 0
			: usual[action];
	if (plan->brief && (action == ACTION_LATE || action == ACTION_PREPARED))
		return 0;
	if (action == ACTION_PREPARED) /* the bell is a notification, which forbids it */
		return postgres && plan->polls ? usual[action] : 0;
	return action >= ACTION_LATE && !postgres ? 0 : usual[action];
}

void action_make_keys(struct testdb *db)
{
	testdb_exec(db, "INSERT INTO business SELECT 'key-' || i, 0 FROM series WHERE i <= %d",
		COLD_KEYS + HOT_KEYS);
	testdb_exec(db, "INSERT INTO business VALUES ('key-prepared', 0)");
	testdb_exec(db,
		"CREATE TABLE drawn (writer INT NOT NULL, n BIGINT NOT NULL, id BIGINT NOT NULL)");
}

/* The first few keys are hot. Gives how many it found: each is there once. */
static int choose_keys(struct writer *writer, char *list, size_t room, int count)
{
	bool taken[HOT_KEYS + COLD_KEYS + 1] = { false };
	size_t size = 0;
	int found = 0;

	for (int i = 0; i < count; i++) {
		bool hot = random_chance(&writer->random, 40);
		int key = (int)(hot ? random_between(&writer->random, 1, HOT_KEYS)
				    : random_between(
					      &writer->random, HOT_KEYS + 1, HOT_KEYS + COLD_KEYS));
		if (taken[key])
			continue;
		taken[key] = true;
		size += (size_t)snprintf(
			list + size, room - size, "%s'key-%d'", found++ ? "," : "", key);
	}
	return found;
}

static void new_tag(struct writer *writer, char tag[32])
{
	snprintf(tag, 32, "t%d-%lld", writer->number, (long long)++writer->turns);
}

/* Some rows of some keys, into the transaction that is being put together; gives how many. */
static int64_t add_keyed(struct writer *writer, int keys, int count, bool late)
{
	char list[1024], tag[32];

	keys = choose_keys(writer, list, sizeof(list), keys);
	new_tag(writer, tag);
	sql_keyed(writer, list, &(struct rows){ .tag = tag, .count = count, .late = late });
	return (int64_t)keys * count;
}

static int64_t add_keyless(struct writer *writer, struct rows rows)
{
	char tag[32];

	new_tag(writer, tag);
	rows.tag = tag;
	sql_keyless(writer, NULL, &rows);
	return rows.count;
}

static int64_t commit(struct writer *writer, int64_t rows)
{
	sql_add(writer, "COMMIT");
	return sql_run(writer) ? rows : 0;
}

static int some(struct writer *writer, int low, int high)
{
	return (int)random_between(&writer->random, low, high);
}

static int64_t do_plain(struct writer *writer, enum action action)
{
	sql_begin(writer);
	if (action == ACTION_SINGLE)
		return commit(writer, add_keyed(writer, 1, 1, false));
	if (action == ACTION_BURST)
		return commit(
			writer, add_keyed(writer, some(writer, 2, 8), some(writer, 5, 30), false));
	if (action == ACTION_HOT_BURST)
		return commit(writer, add_keyed(writer, 1, some(writer, 20, 100), false));
	return commit(writer, add_keyless(writer, (struct rows){ .count = some(writer, 1, 60) }));
}

static int64_t do_rollback(struct writer *writer)
{
	sql_begin(writer);
	add_keyed(writer, some(writer, 1, 4), some(writer, 1, 10), false);
	add_keyless(writer, (struct rows){ .count = some(writer, 1, 10) });
	sql_add(writer, "ROLLBACK");
	sql_run(writer);
	return 0;
}

static int64_t do_savepoint(struct writer *writer)
{
	sql_begin(writer);
	int64_t rows = add_keyless(writer, (struct rows){ .count = 1 });
	sql_add(writer, "SAVEPOINT s;");
	add_keyed(writer, some(writer, 1, 4), some(writer, 1, 10), false);
	sql_add(writer, "ROLLBACK TO SAVEPOINT s;");
	return commit(writer, rows + add_keyed(writer, 1, 2, false));
}

static int64_t do_scheduled(struct writer *writer)
{
	sql_begin(writer);
	return commit(writer,
		add_keyless(writer,
			(struct rows){ .count = some(writer, 1, 5),
				.delay_ms = some(writer, 100, 2500) }));
}

/* Each must end as dead, for a reason of its own. */
static const struct rows poisons[] = {
	{ .subject = "chaos.a b" },
	{ .subject = "chaos..a" },
	{ .subject = "chaos.a." },
	{ .subject = "" },
	{ .subject = "chaos.*" },
	{ .subject = "chaos.a.>" },
	{ .subject = "chaos.x 1\r\nX\r\nPUB chaos.evil 4\r\nevil\r\nPUB chaos.evil" },
	{ .subject = "chaos.tab\there" },
	{ .subject = "$JS.API.STREAM.PURGE." STREAM },
	{ .subject = "nowhere.at.all" },
	{ .headers = "{\"Nats-Expected-Last-Sequence\":\"1\"}" },
	{ .headers = "{\"Nats-Msg-Id\":\"another\"}" },
	{ .headers = "{\"Dray-Key\":\"another\"}" },
	{ .headers = "{\"Bad Name\":\"x\"}" },
	{ .headers = "{\"Line\":\"a\\r\\nNats-Msg-Id: another\"}" },
	{ .headers = "{\"Number\":1}" },
	{ .large = MAX_MSG_SIZE + 2000 },
	{ .large = MAX_PAYLOAD + 2000 },
};

static int64_t do_poison(struct writer *writer)
{
	size_t which = random_next(&writer->random) % (sizeof(poisons) / sizeof(poisons[0]));
	struct rows rows = poisons[which];
	char tag[32], key[48];

	sql_begin(writer);
	new_tag(writer, tag);
	snprintf(key, sizeof(key), "key-%d", some(writer, 1, HOT_KEYS + COLD_KEYS));
	rows.tag = tag;
	rows.kind = "poison";
	rows.count = 1;
	sql_keyless(writer, random_chance(&writer->random, 50) ? key : NULL, &rows);
	return commit(writer, 1 + add_keyless(writer, (struct rows){ .count = 1 }));
}

static void new_id(struct writer *writer, char id[64])
{
	snprintf(id, 64, "%08x-0000-4000-8000-%012llx", (unsigned)random_next(&writer->random),
		(unsigned long long)(random_next(&writer->random) & 0xffffffffffffu));
}

/* The second one is another event, so it may neither be stored nor pass for delivered. */
static int64_t do_same_id(struct writer *writer)
{
	char first[32], second[32], id[64];

	new_tag(writer, first);
	new_tag(writer, second);
	new_id(writer, id);
	sql_begin(writer);
	sql_keyless(writer, first, &(struct rows){ .tag = first, .event_id = id, .count = 1 });
	sql_keyless(writer, first,
		&(struct rows){ .tag = second, .kind = "same_id", .event_id = id, .count = 1 });
	return commit(writer, 2);
}

/* Once the locks are free, the next row of the same keys: whoever reads just one of the two turns them around. */
static int64_t add_next(struct writer *writer, const char *keys, int count)
{
	char tag[32];

	new_tag(writer, tag);
	sql_add(writer, "BEGIN;");
	sql_keyed(writer, keys, &(struct rows){ .tag = tag, .count = 1 });
	return commit(writer, count);
}

/* The rows are there, the ids drawn, the locks held; others commit meanwhile. */
static int64_t do_late(struct writer *writer)
{
	bool many = random_chance(&writer->random, 25);
	char keys[1024], tag[32];

	sql_begin(writer);
	int64_t rows = add_keyless(writer, (struct rows){ .count = 2, .late = true });
	int found = choose_keys(writer, keys, sizeof(keys), some(writer, 1, many ? 2 : 4));
	int each = many ? some(writer, 100, 200) : some(writer, 1, 40);
	new_tag(writer, tag);
	sql_keyed(writer, keys, &(struct rows){ .tag = tag, .count = each, .late = true });
	rows += (int64_t)found * each;
	if (!sql_run(writer))
		return 0;
	nap(random_between(&writer->random, 50, random_chance(&writer->random, 20) ? 1500 : 400));
	if (random_chance(&writer->random, 25)) {
		testdb_try(writer->db, NULL, "ROLLBACK");
		return 0;
	}
	if (random_chance(&writer->random, 30))
		return testdb_try(writer->db, NULL, "COMMIT") ? rows : 0;
	sql_add(writer, "COMMIT;");
	return rows + add_next(writer, keys, found);
}

static int64_t do_ahead(struct writer *writer)
{
	char tag[32];

	sql_begin(writer);
	if (!writer->drawn) {
		sql_draw(writer, 5);
		writer->drawn = commit(writer, 1) > 0;
		return 0;
	}
	writer->drawn = false;
	new_tag(writer, tag);
	sql_to_outbox_drawn(writer, &(struct rows){ .tag = tag, .count = 5, .late = true });
	return commit(writer, 5);
}

/* trigger, payload: how long, in seconds, the trigger sleeps, and how long it takes to compute the payload. */
static void add_slow(struct writer *writer, double trigger, double payload)
{
	char tag[32], id[64];

	new_tag(writer, tag);
	new_id(writer, id);
	sql_add(writer,
		"SELECT pg_advisory_xact_lock(1); INSERT INTO dray.outbox (event_id, subject, key, "
		"headers, payload) VALUES ('%s', 'chaos.slow', 'slow', '{\"Slow\":\"%.3f\"}', "
		"convert_to('%s:1' || pg_sleep(%.3f)::text, 'UTF8')); INSERT INTO ledger SELECT "
		"'%s', 'good', '%s', (SELECT count(*) FROM ledger WHERE key = 'slow') + 1, "
		"'chaos.slow', 'slow', NULL, '%s:1', 0, 0, 1;",
		id, trigger, tag, payload, tag, id, tag);
}

/*
 * The writers of this key take turns by a lock that needs no transaction id, and insert into the outbox
 * first: while the payload is computed the row has its id, and its transaction has none.
 */
static int64_t do_slow(struct writer *writer)
{
	double seconds = (double)some(writer, 50, 350) / 1000;
	bool trigger = random_chance(&writer->random, 30);

	sql_begin(writer);
	add_slow(writer, trigger ? seconds : 0, trigger ? 0 : seconds);
	sql_add(writer, "COMMIT; BEGIN;");
	add_slow(writer, 0, 0);
	return commit(writer, 2);
}

/* The database may have been away: then it stands there still, with its locks. */
static bool is_prepared(struct writer *writer)
{
	char sql[128];
	int64_t count;

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM pg_prepared_xacts WHERE gid = 'chaos-%d'",
		writer->number);
	return !testdb_try_int(writer->db, &count, sql) || count > 0;
}

static int64_t finish_prepared(struct writer *writer)
{
	bool commits = random_chance(&writer->random, 70);
	char sql[128];

	snprintf(sql, sizeof(sql), "%s PREPARED 'chaos-%d'", commits ? "COMMIT" : "ROLLBACK",
		writer->number);
	bool done = testdb_try(writer->db, NULL, sql);
	writer->prepared = !done && is_prepared(writer);
	return done && commits ? PREPARED_ROWS : 0;
}

/* The lock on the business row stays until the transaction is finished, so the key is nobody else's. */
static int64_t do_prepared(struct writer *writer)
{
	char tag[32];

	if (writer->prepared)
		return finish_prepared(writer);
	new_tag(writer, tag);
	sql_begin(writer);
	sql_keyed(writer, "'key-prepared'",
		&(struct rows){ .tag = tag, .count = PREPARED_ROWS, .late = true });
	sql_add(writer, "PREPARE TRANSACTION 'chaos-%d'", writer->number);
	sql_run(writer);
	writer->prepared = true; /* or one from before a crash is in the way: finish it */
	return 0;
}

int64_t action_do(struct writer *writer, enum action action)
{
	switch (action) {
	case ACTION_ROLLBACK:
		return do_rollback(writer);
	case ACTION_SAVEPOINT:
		return do_savepoint(writer);
	case ACTION_SCHEDULED:
		return do_scheduled(writer);
	case ACTION_POISON:
		return do_poison(writer);
	case ACTION_SAME_ID:
		return do_same_id(writer);
	case ACTION_LATE:
		return do_late(writer);
	case ACTION_AHEAD:
		return do_ahead(writer);
	case ACTION_SLOW:
		return do_slow(writer);
	case ACTION_PREPARED:
		return do_prepared(writer);
	default:
		return do_plain(writer, action);
	}
}

void action_finish(struct writer *writer)
{
	if (writer->prepared)
		finish_prepared(writer);
}
