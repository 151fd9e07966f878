/* The application on the other side of the queue. */
#include "feeder.h"

#include <pthread.h>
#include <stdatomic.h>

#define MESSAGES 20000
#define AT_ONCE	 3
#define PAUSE_MS 30

struct feeder {
	pthread_t thread;
	struct world *world;
	atomic_bool ending;
	int64_t count;
	uint64_t seqs[MESSAGES];
};

static char *payload(int64_t number)
{
	return text("queued %lld", (long long)number);
}

static struct jetstream *connect_any(struct feeder *feeder)
{
	static atomic_uint turn;
	unsigned node = atomic_fetch_add(&turn, 1) % (unsigned)feeder->world->nodes;

	return jetstream_try_open(feeder->world->cluster.servers[node].url);
}

/* Until it is acknowledged: unlike the relay, the feeder does not count on being told of a duplicate. */
static bool feed_one(struct feeder *feeder, struct jetstream **js)
{
	bool bad = feeder->count % 50 == 49;
	char *id = text("%s-%lld", bad ? "bad" : "queued", (long long)feeder->count);

	if (!*js && !(*js = connect_any(feeder)))
		return false;
	if (jetstream_try_publish(
		    *js, "queue.message", id, payload(feeder->count), &feeder->seqs[feeder->count]))
		return true;
	jetstream_close(*js);
	*js = NULL;
	return false;
}

static void *run(void *context)
{
	struct feeder *feeder = context;
	struct jetstream *js = NULL;

	while (!atomic_load(&feeder->ending) && feeder->count < MESSAGES) {
		bool fed = feed_one(feeder, &js);
		feeder->count += fed;
		if (!fed || feeder->count % AT_ONCE == 0)
			nap(PAUSE_MS);
	}
	jetstream_close(js);
	return NULL;
}

struct feeder *feeder_start(struct world *world)
{
	struct feeder *feeder = keep(calloc(1, sizeof(*feeder)));

	feeder->world = world;
	if (pthread_create(&feeder->thread, NULL, run, feeder) != 0)
		give_up("no thread");
	return feeder;
}

void feeder_end(struct feeder *feeder)
{
	atomic_store(&feeder->ending, true);
	pthread_join(feeder->thread, NULL);
}

int64_t feeder_count(const struct feeder *feeder)
{
	return feeder->count;
}

struct look {
	const struct feeder *feeder;
	bool *found;
};

/* A message may stand under two sequences: stored, but its acknowledgement lost, and published again. */
static void see(void *context, const char *const *cells)
{
	const struct look *look = context;
	uint64_t seq = strtoull(cells[0], NULL, 10);
	int64_t number =
		strncmp(cells[1], "queued ", 7) == 0 ? strtoll(cells[1] + 7, NULL, 10) : -1;
	bool aside = strcmp(cells[2], "1") == 0, bad = number % 50 == 49;

	if (number >= 0 && number < look->feeder->count && look->feeder->seqs[number] == seq &&
		strcmp(cells[1], payload(number)) == 0 && aside == bad)
		look->found[number] = true;
}

/* What the sink stored, and what it set aside since the table refuses it. */
static char *stored(struct testdb *db)
{
	const char *payload_text =
		testdb_pick(db, "CAST(payload AS TEXT)", "convert_from(payload, 'UTF8')");

	return text(
		"SELECT seq, %s AS payload, 0 AS aside FROM %s UNION ALL SELECT seq, %s, 1 FROM %s "
		"WHERE sink = 'queue' AND error LIKE '%%refused%%'",
		payload_text, testdb_table(db, "queued"), payload_text,
		testdb_table(db, "sink_dead"));
}

int64_t feeder_backlog(const struct feeder *feeder, struct testdb *db)
{
	return feeder->count -
		testdb_int(db, "SELECT count(DISTINCT payload) FROM (%s) AS s", stored(db));
}

int64_t feeder_missing(const struct feeder *feeder, struct testdb *db)
{
	struct look look = { feeder, calloc(MESSAGES, sizeof(bool)) };
	int64_t missing = 0;

	testdb_each(db, see, &look, stored(db));
	for (int64_t i = 0; i < feeder->count; i++) {
		if (!look.found[i] && missing++ < 5)
			say("queued message %lld, sequence %llu, is not where it belongs",
				(long long)i, (unsigned long long)feeder->seqs[i]);
	}
	free(look.found);
	return missing;
}
