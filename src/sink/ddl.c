/* Reads a sample of a stream, and writes the table for it. */
#include "sink/ddl.h"

#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "nats/pull.h"
#include "nats/stream.h"
#include "sink/catalogue.h"
#include "sink/route.h"

#define WAIT_MS	   5000 /* for an event that the stream has */
#define ONE_BY_ONE 200 /* sequences that are asked for singly */
#define LOOKED_MAX (20 * SAMPLE_EVENTS) /* where most are of other tables */

/* Of one of a sink's tables. */
struct search {
	const struct config_sink *sink;
	size_t at;
	struct sample *sample;
	size_t looked; /* at events, also at those of other tables */
	uint64_t last;
};

static const struct config_table *table_at(const struct config_sink *sink, size_t at)
{
	size_t count;

	return &config_tables(sink, &count)[at];
}

static bool overlap(const struct config_list *subjects)
{
	for (size_t i = 0; i < subjects->count; i++)
		for (size_t k = 0; k < i; k++)
			if (event_patterns_overlap(subjects->items[i], subjects->items[k]))
				return true;
	return false;
}

/* A server takes no filter of subjects that overlap. */
static const struct config_list *filter_of(const struct config_sink *sink, size_t at)
{
	const struct config_list *subjects = &table_at(sink, at)->subjects;

	return subjects->count > 0 && !overlap(subjects) ? subjects : &sink->subjects;
}

static bool is_wanted(const struct search *search, struct slice subject)
{
	const struct config_list *subjects = &search->sink->subjects;
	bool any = subjects->count == 0;

	for (size_t i = 0; !any && i < subjects->count; i++)
		any = event_subject_matches(subjects->items[i], subject);
	return any && route_find(search->sink, subject) == search->at;
}

static bool read_some(
	struct link *link, struct search *search, uint64_t from, size_t count, struct error *err)
{
	const struct pull_options options = { .stream = search->sink->stream,
		.subjects = filter_of(search->sink, search->at),
		.start_seq = from,
		.batch = 100,
		.batch_bytes = (int64_t)SAMPLE_BYTES / 4 };
	struct pull *pull = pull_create(link, &options, err);
	struct pull_message message;
	struct pull_progress progress = { .all_taken = false };
	bool ok = pull && pull_progress(pull, &progress, err), room = true;

	while (ok && room && count > 0 && !progress.all_taken && search->looked < LOOKED_MAX) {
		ok = pull_next(pull, WAIT_MS, &message, err);
		if (!ok)
			break;
		search->looked++;
		if (is_wanted(search, message.subject)) {
			room = sample_add(search->sample, message.subject, message.payload);
			count--;
		}
		search->last = message.seq;
		progress.all_taken = message.pending == 0;
		pull_release(&message);
	}
	pull_destroy(pull);
	return ok || (pull && err->kind == ERROR_NONE);
}

/* A workqueue has no consumer that only looks: there its first messages are asked for one by one. */
static bool read_each(struct link *link, struct search *search, const struct stream_info *stream,
	struct error *err)
{
	bool ok = true, room = true;
	uint64_t end = stream->first_seq + ONE_BY_ONE;

	for (uint64_t seq = stream->first_seq; ok && room && seq <= stream->last_seq && seq < end;
		seq++) {
		struct stream_message message = { 0 };
		ok = stream_get_message(link, search->sink->stream, seq, &message, err);
		if (ok && message.found && is_wanted(search, slice_of(message.subject)))
			room = sample_add(search->sample, slice_of(message.subject),
				(struct slice){ message.payload, message.payload_size });
		stream_message_finish(&message);
	}
	return ok;
}

static bool read_both_ends(struct link *link, struct search *search,
	const struct stream_info *stream, struct error *err)
{
	uint64_t half = SAMPLE_EVENTS / 2, end = stream->last_seq;

	if (!read_some(link, search, stream->first_seq, half, err))
		return false;
	uint64_t from = end > half ? end - half + 1 : 1;
	search->looked = 0;
	return search->last >= end ||
		read_some(link, search, from > search->last ? from : search->last + 1, half, err);
}

bool ddl_read(struct link *link, const struct config_sink *sink, size_t at, struct sample *sample,
	struct error *err)
{
	struct search search = { .sink = sink, .at = at, .sample = sample };
	struct stream_info stream = { 0 };
	bool ok = stream_get_info(link, sink->stream, &stream, NULL, err);

	if (ok && stream.messages > 0)
		ok = (stream.retention == STREAM_LIMITS ? read_both_ends : read_each)(
			link, &search, &stream, err);
	stream_info_finish(&stream);
	return ok;
}

static const char *type_name(enum sample_type type, enum db_kind kind)
{
	static const char *const names[][2] = {
		[SAMPLE_NOTHING] = { "TEXT", "text" },
		[SAMPLE_INTEGER] = { "INTEGER", "bigint" },
		[SAMPLE_DECIMAL] = { "NUMERIC", "numeric" },
		[SAMPLE_NUMBER] = { "TEXT", "numeric" }, /* SQLite's numbers lose digits */
		[SAMPLE_BOOLEAN] = { "BOOLEAN", "boolean" },
		[SAMPLE_DATE] = { "DATE", "date" },
		[SAMPLE_TIME] = { "TIMESTAMP", "timestamptz" },
		[SAMPLE_UUID] = { "TEXT", "uuid" },
		[SAMPLE_TEXT] = { "TEXT", "text" },
		[SAMPLE_JSON] = { "TEXT", "jsonb" },
		[SAMPLE_BYTES_OF_ANY_KIND] = { "BLOB", "bytea" },
	};

	return names[type][kind == DB_POSTGRES];
}

static enum sample_type type_of(const struct config_column *column, const struct sample *sample)
{
	enum sample_type type = SAMPLE_TEXT; /* of a constant */
	struct source source;

	if (!column->from || !source_parse(column->from, &source, NULL))
		return type;
	type = sample_type_of(sample, &source);
	source_finish(&source);
	return type;
}

static bool is_key(const struct config_table *config, const char *name)
{
	for (size_t i = 0; i < config->key.count; i++)
		if (strcmp(config->key.items[i], name) == 0)
			return true;
	return false;
}

void ddl_table(const struct config_table *config, const char *table, enum db_kind kind,
	const struct sample *sample, struct buf *sql)
{
	char *quoted = db_quote_table(table, NULL);

	buf_format(sql, "CREATE TABLE %s (", quoted ? quoted : table);
	free(quoted);
	for (size_t i = 0; i < config->columns.count; i++) {
		const struct config_column *column = &config->columns.items[i];
		buf_format(sql, "%s\n\t\"%s\" %s%s", i ? "," : "", column->name,
			type_name(type_of(column, sample), kind),
			is_key(config, column->name) ? " NOT NULL" : "");
	}
	for (size_t i = 0; i < config->key.count; i++)
		buf_format(sql, "%s\"%s\"", i ? ", " : ",\n\tPRIMARY KEY (", config->key.items[i]);
	buf_add_text(sql, config->key.count ? ")\n)" : "\n)");
}

/* In single quotes, where YAML knows one escape only. */
static void add_quoted(const char *text, struct buf *yaml)
{
	buf_add_char(yaml, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_add_char(yaml, '\'');
		buf_add_char(yaml, *text);
	}
	buf_add_char(yaml, '\'');
}

void ddl_columns(const struct config_columns *columns, int indent, struct buf *yaml)
{
	buf_format(yaml, "%*scolumns:\n", indent, "");
	for (size_t i = 0; i < columns->count; i++) {
		const struct config_column *column = &columns->items[i];
		buf_format(yaml, "%*s%s: ", indent + 2, "", column->name);
		if (!column->from || column->fallback)
			buf_add_text(yaml, column->from ? "{ from: " : "{ value: ");
		add_quoted(column->from ? column->from : column->value, yaml);
		if (column->fallback) {
			buf_add_text(yaml, ", default: ");
			add_quoted(column->fallback, yaml);
		}
		buf_add_text(yaml, !column->from || column->fallback ? " }\n" : "\n");
	}
}

bool ddl_is_there(struct db *db, const char *table, bool *there, struct error *err)
{
	struct catalogue catalogue;
	struct arena arena;

	arena_init(&arena);
	bool ok = catalogue_read(db, table, &arena, &catalogue, err);
	*there = ok && catalogue.column_count > 0;
	arena_finish(&arena);
	return ok;
}

static bool make(struct db *db, const struct config_table *config, const struct sample *sample,
	bool *made, struct error *err)
{
	struct buf sql = { 0 };
	bool there = false;

	ddl_table(config, config->table, db_kind(db), sample, &sql);
	*made = db_script(db, sql.data, err);
	buf_finish(&sql);
	return *made ||
		(ddl_is_there(db, config->table, &there, NULL) && there); /* somebody was faster */
}

bool ddl_create(struct db *db, struct link *link, const struct config_sink *sink, size_t at,
	bool *made, struct error *err)
{
	const struct config_table *config = table_at(sink, at);
	struct sample sample;
	bool there;

	*made = false;
	if (config->create != CONFIG_TRUE)
		return true;
	if (!ddl_is_there(db, config->table, &there, err) || there)
		return there;
	sample_init(&sample);
	bool ok = ddl_read(link, sink, at, &sample, err);
	if (ok && sample.count == 0)
		ok = error_set(err, ERROR_UNAVAILABLE,
			"create: stream %s has no event yet that tells the types of table %s",
			sink->stream, config->table);
	ok = ok && make(db, config, &sample, made, err);
	sample_finish(&sample);
	return ok;
}
