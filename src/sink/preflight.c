/* What would go wrong with a sink, or weaken its promise: both ends, every problem at once. */
#include "sink/preflight.h"

#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "nats/stream.h"
#include "sink/consumer.h"
#include "sink/ddl.h"
#include "sink/table.h"

struct checked {
	const struct config_sink *sink;
	struct findings *findings;
	struct table_position position;
	bool placed, durability_told;
};

#define SAY(c, level, ...) \
	findings_add((c)->findings, level, ERROR_SCHEMA, (c)->sink->name, __VA_ARGS__)

static void problem(const struct checked *c, const struct error *err)
{
	findings_add(c->findings, FINDING_PROBLEM, err->kind, c->sink->name, "%s", err->text);
}

static void check_durability(const struct checked *c, struct db *db)
{
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	if (db_run(db, SQL_CHECK_DURABILITY, NULL, NULL, 0, &arena, &rows, NULL))
		for (size_t i = 0; i < rows.rows; i++)
			if (strcmp(db_cell(&rows, i, 1), "off") == 0 &&
				strcmp(db_cell(&rows, i, 0), "synchronous_commit") != 0)
				SAY(c, FINDING_WARNING,
					"%s is off: a power cut can destroy the database",
					db_cell(&rows, i, 0));
	arena_finish(&arena);
}

/* Whether the sink has yet to make this table. */
static bool will_create(const struct checked *c, const struct config_table *config)
{
	struct db *db = config->create == CONFIG_TRUE
		? db_create(c->sink->database, "dray check", NULL, NULL)
		: NULL;
	bool there = true;

	bool known =
		db && db_open(db, false, NULL) && ddl_is_there(db, config->table, &there, NULL);
	db_destroy(db);
	return known && !there;
}

/* As if the sink had this table alone, so that each of them is told of. */
static bool check_table(struct checked *c, const struct config_table *config, struct error *err)
{
	struct config_sink alone = *c->sink;

	alone.own = *config;
	alone.table_count = 0;
	struct table *table = table_create(&alone, NULL, err);
	bool ok =
		table && table_open(table, err) && table_load(table, &c->placed, &c->position, err);
	if (ok)
		SAY(c, FINDING_OK, "%s: %s is there", table_label(table), config->table);
	if (ok && !c->durability_told && db_kind(table_db(table)) == DB_POSTGRES)
		check_durability(c, table_db(table));
	c->durability_told = c->durability_told || ok;
	table_destroy(table);
	return ok;
}

static void check_database(struct checked *c)
{
	struct error err = { 0 };
	size_t count;
	const struct config_table *tables = config_tables(c->sink, &count);

	for (size_t i = 0; i < count; i++) {
		if (will_create(c, &tables[i])) {
			SAY(c, FINDING_OK,
				"the sink will make the table %s after a sample of stream %s",
				tables[i].table, c->sink->stream);
		} else if (!check_table(c, &tables[i], &err)) {
			problem(c, &err);
			if (err.kind == ERROR_UNAVAILABLE)
				return;
		}
	}
}

static void check_subjects(const struct checked *c, const struct stream_info *info)
{
	for (size_t i = 0; i < c->sink->subjects.count; i++) {
		bool taken = info->subjects.count == 0; /* of a mirror it is not known */
		for (size_t k = 0; !taken && k < info->subjects.count; k++)
			taken = event_patterns_overlap(
				c->sink->subjects.items[i], info->subjects.items[k]);
		if (!taken)
			SAY(c, FINDING_PROBLEM, "stream %s takes no subject like %s", info->name,
				c->sink->subjects.items[i]);
	}
}

/* Where the stream can let go of an event that is not stored yet. */
static void check_limits(const struct checked *c, const struct stream_info *info)
{
	char age[32];

	units_format_duration(info->max_age_ns / 1000000, age);
	if (info->max_age_ns > 0)
		SAY(c, FINDING_WARNING,
			"stream %s removes events after %s: what the sink has not stored by then is lost",
			info->name, age);
	if ((info->max_msgs > 0 || info->max_bytes > 0) && !info->discard_new)
		SAY(c, FINDING_WARNING,
			"stream %s removes its oldest events when it is full, stored or not",
			info->name);
	if (info->max_msgs_per_subject > 0)
		SAY(c, FINDING_WARNING,
			"stream %s keeps %" PRId64
			" events a subject: older ones are lost, stored or not",
			info->name, info->max_msgs_per_subject);
	if (info->memory)
		SAY(c, FINDING_WARNING,
			"stream %s is held in memory: a restart of the server loses what is not stored yet",
			info->name);
}

static void check_position(const struct checked *c, const struct stream_info *info)
{
	uint64_t next = (uint64_t)c->position.seq + 1;

	if (!c->placed || consumer_acknowledges(info))
		return;
	if (strcmp(c->position.created, info->created) != 0)
		SAY(c, FINDING_WARNING,
			"stream %s was made anew: the sink will begin epoch %" PRId64
			" at its sequence 1",
			info->name, c->position.epoch + 1);
	else if (info->last_seq + 1 < next)
		SAY(c, FINDING_WARNING,
			"stream %s has gone back: its last sequence is %" PRIu64 " and %" PRId64
			" is stored",
			info->name, info->last_seq, c->position.seq);
	else if (info->first_seq > next)
		SAY(c, c->sink->on_trimmed == ON_TRIMMED_STOP ? FINDING_PROBLEM : FINDING_WARNING,
			"sequence %" PRIu64 " to %" PRIu64
			" left stream %s before they were stored",
			next, info->first_seq - 1, info->name);
	else
		SAY(c, FINDING_OK, "stored up to sequence %" PRId64 " of %" PRIu64, c->position.seq,
			info->last_seq);
}

static void check_stream(const struct checked *c, struct link *link, const struct stream_info *info)
{
	struct error err = { 0 };
	char durable[256];
	bool missing;

	SAY(c, FINDING_OK, "stream %s is there, with %" PRIu64 " messages", info->name,
		info->messages);
	check_subjects(c, info);
	check_limits(c, info);
	check_position(c, info);
	if (!consumer_check(link, c->sink, info, &missing, &err)) {
		problem(c, &err);
	} else if (consumer_acknowledges(info)) {
		consumer_durable_name(c->sink, durable);
		SAY(c, FINDING_OK,
			"stream %s lets go of what is acknowledged: by the consumer %s, which %s",
			info->name, durable, missing ? "will be made" : "is there");
	}
}

static void check_nats(const struct checked *c, const struct config *config)
{
	struct link *link = link_create(&config->nats, "dray check", NULL);
	struct stream_info info = { 0 };
	struct error err = { 0 };

	if (link_connect(link, &err) && stream_get_info(link, c->sink->stream, &info, NULL, &err))
		check_stream(c, link, &info);
	else
		problem(c, &err);
	stream_info_finish(&info);
	link_destroy(link);
}

void sink_preflight(
	const struct config *config, const struct config_sink *sink, struct findings *findings)
{
	struct checked c = { .sink = sink, .findings = findings };

	check_database(&c);
	check_nats(&c, config);
}
