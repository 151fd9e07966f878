/* The tables of a sink: what must hold between them. No I/O. */
#include "config_tables.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config_columns.h"
#include "db/db.h"
#include "event.h"

const struct config_table *config_tables(const struct config_sink *sink, size_t *count)
{
	*count = sink->table_count ? sink->table_count : 1;
	return sink->table_count ? sink->tables : &sink->own;
}

static const char *archive_of(const struct config_sink *sink)
{
	enum db_kind kind;

	if (!sink->database || !db_check_url(sink->database, &kind, NULL))
		return NULL;
	return kind == DB_SQLITE ? "dray_events" : "dray.events";
}

static const char *name_of(const struct config_sink *sink, const struct config_table *table)
{
	return table->table ? table->table : archive_of(sink);
}

static bool covers(const struct config_list *wide, const char *pattern)
{
	for (size_t i = 0; i < wide->count; i++)
		if (event_pattern_covers(wide->items[i], pattern))
			return true;
	return false;
}

/* A pattern that no event reaches, since an earlier entry takes them all. */
static bool check_reached(const struct config_sink *sink, size_t at, struct error *err)
{
	const struct config_list *subjects = &sink->tables[at].subjects;

	for (size_t i = 0; i < at; i++)
		for (size_t k = 0; k < subjects->count; k++)
			if (covers(&sink->tables[i].subjects, subjects->items[k]))
				return error_set(err, ERROR_USAGE,
					"subjects: the entry before takes all of %.80s, so none reaches "
					"this one; put this entry first, or take the subject out",
					subjects->items[k]);
	return true;
}

/* One statement of PostgreSQL changes a row once, so two entries cannot share one. */
static bool check_alone(const struct config_sink *sink, size_t at, struct error *err)
{
	const char *name = name_of(sink, &sink->tables[at]);

	for (size_t i = 0; name && i < at; i++) {
		const char *other = name_of(sink, &sink->tables[i]);
		if (other && strcmp(name, other) == 0)
			return error_set(err, ERROR_USAGE,
				"table: another entry has %.80s, too; give that entry the subjects of "
				"both, or use two sinks",
				name);
	}
	return true;
}

static bool check_table(const struct config_sink *sink, size_t at, struct error *err)
{
	size_t count;
	const struct config_table *table = &config_tables(sink, &count)[at];

	return columns_check_table(table, archive_of(sink), err) &&
		(!sink->table_count ||
			(check_alone(sink, at, err) && check_reached(sink, at, err)));
}

static bool is_taken(const struct config_sink *sink, const char *pattern)
{
	for (size_t i = 0; i < sink->table_count; i++)
		if (covers(&sink->tables[i].subjects, pattern))
			return true;
	return false;
}

static bool check_unmatched(const struct config_sink *sink, struct error *err)
{
	bool refuse = sink->unmatched == SINK_UNMATCHED_REFUSE;

	if (sink->table_count == 0)
		return refuse ||
			error_set(err, ERROR_USAGE,
				"unmatched: belongs to tables, and this sink has none");
	for (size_t i = 0; refuse && i < sink->subjects.count; i++)
		if (!is_taken(sink, sink->subjects.items[i]))
			return error_set(err, ERROR_USAGE,
				"tables: no entry takes all of %.80s; add one, or say what becomes of "
				"the others: unmatched: dead or ignore",
				sink->subjects.items[i]);
	return true;
}

/* A server takes no filter of which two can match the same subject. */
static bool check_filter(const struct config_sink *sink, struct error *err)
{
	const struct config_list *subjects = &sink->subjects;

	for (size_t i = 0; i < subjects->count; i++)
		for (size_t k = 0; k < i; k++)
			if (event_patterns_overlap(subjects->items[i], subjects->items[k]))
				return error_set(err, ERROR_USAGE,
					"subjects: %.80s and %.80s overlap, which NATS does not take of a "
					"consumer; give the sink subjects: that do not, such as one that "
					"covers both",
					subjects->items[k], subjects->items[i]);
	return true;
}

static bool check_size(const struct config_sink *sink, struct error *err)
{
	size_t columns = 0;

	for (size_t i = 0; i < sink->table_count; i++)
		columns += sink->tables[i].columns.count;
	return (sink->table_count <= CONFIG_TABLES_MAX && columns <= CONFIG_ALL_COLUMNS_MAX) ||
		error_set(err, ERROR_USAGE,
			"tables: more than %d of them, or than %d columns together; make it two sinks",
			CONFIG_TABLES_MAX, CONFIG_ALL_COLUMNS_MAX);
}

static bool check_retention(const struct config_sink *sink, struct error *err)
{
	size_t count;
	const struct config_table *tables = config_tables(sink, &count);
	bool upserts = false;

	for (size_t i = 0; i < count; i++)
		upserts = upserts || tables[i].mode == SINK_UPSERT;
	return sink->retention_ms == 0 || upserts ||
		error_set(err, ERROR_USAGE,
			"retention: belongs to mode upsert, which remembers deleted keys");
}

static bool check_whole(const struct config_sink *sink, struct error *err)
{
	return check_size(sink, err) && check_retention(sink, err) && check_unmatched(sink, err) &&
		(sink->table_count == 0 || check_filter(sink, err));
}

void tables_check(const struct config_sink *sink, struct problems *problems)
{
	size_t count;
	const struct config_table *tables = config_tables(sink, &count);
	size_t before = problems->count;
	struct error err;

	for (size_t i = 0; i < count && !problems_full(problems); i++)
		if (!check_table(sink, i, &err))
			problems_add(problems, tables[i].line ? tables[i].line : sink->line, "%s",
				err.text);
	if (problems->count == before && !check_whole(sink, &err))
		problems_add(problems, sink->line, "%s", err.text);
}

bool config_check_sink(const struct config_sink *sink, struct error *err)
{
	size_t count;

	config_tables(sink, &count);
	for (size_t i = 0; i < count; i++)
		if (!check_table(sink, i, err))
			return false;
	return check_whole(sink, err);
}

/* Adds a pattern, unless one that is there takes all of it; takes out those that it covers. */
static void unite(struct config_list *all, const char *pattern)
{
	size_t kept = 0;

	if (covers(all, pattern))
		return;
	for (size_t i = 0; i < all->count; i++) {
		if (event_pattern_covers(pattern, all->items[i]))
			free(all->items[i]);
		else
			all->items[kept++] = all->items[i];
	}
	all->items = memory_grow(all->items, (kept + 1) * sizeof(*all->items));
	all->items[kept] = memory_text(pattern);
	all->count = kept + 1;
}

static void finish_table(const struct config_sink *sink, struct config_table *table)
{
	const char *archive = archive_of(sink);

	if (!table->table && table->mode == SINK_ARCHIVE && archive)
		table->table = memory_text(archive);
}

void tables_finish(struct config_sink *sink)
{
	bool own_subjects = sink->subjects.count > 0 || sink->unmatched != SINK_UNMATCHED_REFUSE;

	if (sink->table_count == 0)
		finish_table(sink, &sink->own);
	for (size_t i = 0; i < sink->table_count; i++) {
		finish_table(sink, &sink->tables[i]);
		for (size_t k = 0; !own_subjects && k < sink->tables[i].subjects.count; k++)
			unite(&sink->subjects, sink->tables[i].subjects.items[k]);
	}
}
