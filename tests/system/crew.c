/* Several processes for one job. */
#include "crew.h"

void crew_make(
	struct crew *crew, const char *kind, const char *name, bool sink, const char *settings)
{
	*crew = (struct crew){ .sink = sink,
		.name = text("%s_%s", name, kind),
		.settings = settings,
		.database = fixture_database(kind, name),
		.nats_url = nats.url,
		.js = jetstream_open(nats.url) };
	jetstream_make(crew->js, crew->name, text("\"%s.>\"", crew->name), NULL);
	dray_expect(0, "migrate", crew->database);
	crew->db = testdb_open(crew->database);
}

void crew_start(struct crew *crew, int member, const char *url, const char *failpoints)
{
	char *name = text("%s_%d", crew->name, member), *config = scratch_path("%s.yaml", name);
	char *pipeline = crew->sink ? text("%s", crew->name) : text("relay%d", member);

	file_write(config,
		text("nats: { url: \"%s\" }\n%s: [ { name: %s, database: \"%s\", stream: %s, %s } ]\n",
			crew->nats_url, crew->sink ? "sinks" : "relays", pipeline,
			url ? url : crew->database, crew->name, crew->settings));
	crew->members[member] = dray_start(name, failpoints, "run", "-c", config);
}

static int64_t last_place(const char *log, const char *piece)
{
	int64_t place = -1;

	for (const char *at = log; (at = strstr(at, piece)); at++)
		place = at - log;
	return place;
}

bool crew_stands_by(struct crew *crew, int member)
{
	char *log = proc_log(crew->members[member]);

	return last_place(log, "standing by") > last_place(log, "took over");
}

void crew_wait_stand_by(struct crew *crew, int member)
{
	WAIT_UNTIL(20000, crew_stands_by(crew, member));
}

void crew_start_all(struct crew *crew, int members)
{
	for (int i = 0; i < members; i++) {
		crew_start(crew, i, NULL, NULL);
		if (i == 0)
			WAIT_UNTIL(20000, crew_holds(crew, 0));
		else
			crew_wait_stand_by(crew, i);
	}
	crew_measure(crew);
}

char *crew_holder(struct crew *crew)
{
	return testdb_text(crew->db, "SELECT holder FROM %s WHERE length_ms > 0",
		testdb_table(crew->db, "lease"));
}

bool crew_holds(struct crew *crew, int member)
{
	return strstr(crew_holder(crew), text("/%d/", (int)crew->members[member]->pid)) != NULL;
}

char *crew_put(struct crew *crew)
{
	static int put;
	char *subject = text("%s.a", crew->name), *id;

	if (!crew->sink)
		return testdb_emit(crew->db, subject, "k", NULL, "payload");
	id = text("put-%d", ++put);
	jetstream_publish(crew->js, subject, id, "payload");
	return id;
}

bool crew_is_done(struct crew *crew, const char *id)
{
	if (crew->sink)
		return testdb_int(crew->db, "SELECT count(*) FROM %s WHERE msg_id = '%s'",
			       testdb_table(crew->db, "events"), id) == 1;
	return testdb_int(crew->db,
		       "SELECT count(*) FROM %s WHERE event_id = '%s' AND state = 'delivered'",
		       testdb_table(crew->db, "outbox"), id) == 1;
}

int64_t crew_measure(struct crew *crew)
{
	int64_t began = now_ms();
	char *id = crew_put(crew);

	while (!crew_is_done(crew, id)) {
		if (now_ms() - began > patience(60000))
			give_up("%s: nobody works", crew->name);
		nap(5);
	}
	return now_ms() - began;
}

/* Rows say where they are: what settled them knew what it did. */
static void check_place(void *context, const char *const *cells)
{
	const struct jetstream_messages *messages = context;
	int64_t seq = strtoll(cells[1], NULL, 10);

	assert_in_range(seq, 1, messages->count);
	assert_string_equal(messages->items[seq - 1].id, cells[0]);
}

static void check_relayed(struct crew *crew)
{
	struct oracle *oracle = oracle_from_outbox(crew->db, "TRUE");
	struct jetstream_messages messages = jetstream_read(crew->js, crew->name);

	oracle_require(oracle_see_stream(oracle, crew->js, crew->name));
	oracle_destroy(oracle);
	testdb_each(crew->db, check_place, &messages,
		text("SELECT event_id, stream_seq FROM %s", testdb_table(crew->db, "outbox")));
	jetstream_free(&messages);
	assert_int_equal(testdb_int(crew->db,
				 "SELECT count(*) FROM %s WHERE attempts > 0 AND key <> 'failing'",
				 testdb_table(crew->db, "outbox")),
		0);
}

static int64_t stored(struct crew *crew)
{
	return testdb_int(crew->db, "SELECT count(*) FROM %s", testdb_table(crew->db, "events"));
}

static void check_stored(struct crew *crew)
{
	struct jetstream_messages messages = jetstream_read(crew->js, crew->name);

	assert_int_equal(stored(crew), messages.count);
	assert_int_equal(testdb_int(crew->db, "SELECT count(DISTINCT msg_id) FROM %s",
				 testdb_table(crew->db, "events")),
		messages.count);
	jetstream_free(&messages);
}

void crew_finish(struct crew *crew)
{
	if (crew->sink)
		WAIT_UNTIL(60000, stored(crew) == jetstream_count(crew->js, crew->name));
	else
		WAIT_UNTIL(60000, testdb_in_state(crew->db, "pending") == 0);
	for (int i = 0; i < CREW; i++)
		if (crew->members[i] && proc_running(crew->members[i]))
			dray_stop(crew->members[i]);
	(crew->sink ? check_stored : check_relayed)(crew);
	jetstream_delete(crew->js, crew->name);
	jetstream_close(crew->js);
	testdb_close(crew->db);
}

bool is_stopped(const struct proc *proc)
{
	char *stat = file_read(text("/proc/%d/stat", (int)proc->pid)), *end = strrchr(stat, ')');

	return end && strncmp(end, ") T", 3) == 0;
}
