/* What both databases share of reading history: the parameters, the counts, the kinds of tables. */
#include "history/source_driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"

#define NUMBER	    24
#define PATIENCE_MS ((int64_t)3600 * 1000) /* where few rows are asked for, many are passed over */

void source_filter_init(struct source_filter *filter)
{
	*filter = (struct source_filter){ .low = INT64_MIN, .high = INT64_MAX };
}

void source_filter_finish(struct source_filter *filter)
{
	free(filter->since);
	free(filter->before);
	free(filter->subject);
	free(filter->key);
	free(filter->which);
	source_filter_init(filter);
}

/*
 * A pattern of subjects as a regular expression of PostgreSQL's: a token is what stands between dots; > is one and
 * more of them.
 */
static char *make_expression(const char *pattern)
{
	struct buf out = { 0 };

	buf_add_char(&out, '^');
	for (const char *c = pattern; *c; c++) {
		bool token = (c == pattern || c[-1] == '.') && (!c[1] || c[1] == '.');
		if (*c == '*' && token)
			buf_add_text(&out, "[^.]+");
		else if (*c == '>' && token && !c[1])
			buf_add_text(&out, ".+");
		else if (strchr("\\^$.|?*+()[]{}", *c))
			buf_format(&out, "\\%c", *c);
		else
			buf_add_char(&out, *c);
	}
	buf_add_char(&out, '$');
	return out.data;
}

struct parameters {
	const char *values[SOURCE_PARAMETERS];
	char numbers[6][NUMBER];
	char *expression;
};

static void fill(struct parameters *p, const struct db *db, const struct source_filter *filter,
	const int64_t numbers[6])
{
	for (size_t i = 0; i < 6; i++)
		snprintf(p->numbers[i], NUMBER, "%" PRId64, numbers[i]);
	p->expression = filter->subject && db_kind(db) == DB_POSTGRES
		? make_expression(filter->subject)
		: NULL;
	const char *const values[SOURCE_PARAMETERS] = { p->numbers[0], p->numbers[1], p->numbers[2],
		p->numbers[3], filter->since, filter->before,
		p->expression ? p->expression : filter->subject, filter->key, filter->which,
		p->numbers[4], p->numbers[5] };
	memcpy(p->values, values, sizeof(values));
}

bool source_count(struct db *db, const struct source *source, int64_t after, int64_t until,
	struct source_counts *counts, struct error *err)
{
	const struct source_filter *filter = source->filter;
	const int64_t numbers[6] = { after, until, filter->low, filter->high, 0, 0 };
	enum statement statement = source->kind == SOURCE_OUTBOX ? SQL_HISTORY_OUTBOX_COUNT
								 : SQL_HISTORY_ARCHIVE_COUNT;
	struct parameters parameters;
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	fill(&parameters, db, filter, numbers);
	bool ok = db_run(db, statement, source->table, parameters.values, SOURCE_COUNTED, &arena,
		&rows, err);
	if (ok) {
		counts->rows = atoll(db_cell(&rows, 0, 0));
		counts->bytes = atoll(db_cell(&rows, 0, 1));
		const char *last = db_cell(&rows, 0, 2);
		counts->last = last ? atoll(last) : INT64_MIN;
	}
	free(parameters.expression);
	arena_finish(&arena);
	return ok;
}

bool source_run(struct db *db, enum statement statement, const char *table,
	const char *const *parameters, size_t count, size_t limit, int64_t bytes,
	struct batch **batch, struct error *err)
{
	*batch = NULL;
	return db_kind(db) == DB_SQLITE
		? source_sqlite_read(
			  db, statement, table, parameters, count, limit, bytes, batch, err)
		: source_postgres_read(db, statement, table, parameters, count, batch, err);
}

bool source_read(struct db *db, const struct source *source, int64_t after, int64_t until,
	size_t limit, int64_t bytes, struct batch **batch, struct error *err)
{
	const struct source_filter *filter = source->filter;
	const int64_t numbers[6] = { after, until, filter->low, filter->high, (int64_t)limit,
		bytes };
	enum statement statement =
		source->kind == SOURCE_OUTBOX ? SQL_HISTORY_OUTBOX : SQL_HISTORY_ARCHIVE;
	struct parameters parameters;

	fill(&parameters, db, filter, numbers);
	bool ok = source_run(db, statement, source->table, parameters.values, SOURCE_PARAMETERS,
		limit, bytes, batch, err);
	free(parameters.expression);
	return ok;
}

bool source_open(struct db *db, struct error *err)
{
	db_be_patient(db, PATIENCE_MS);
	return db_kind(db) == DB_SQLITE ? source_sqlite_prepare(db, err)
					: source_postgres_prepare(db, err);
}

static bool has(const struct db_rows *columns, const char *name)
{
	for (size_t i = 0; i < columns->rows; i++)
		if (strcmp(db_cell(columns, i, 0), name) == 0)
			return true;
	return false;
}

bool source_find_kind(struct db *db, const char *table, enum source_kind *kind, struct error *err)
{
	struct arena arena;
	struct db_rows columns;

	arena_init(&arena);
	bool ok = db_columns(db, table, &arena, &columns, err);
	if (ok && has(&columns, "event_id") && has(&columns, "state")) {
		*kind = SOURCE_OUTBOX;
	} else if (ok && has(&columns, "epoch") && has(&columns, "published_at")) {
		*kind = SOURCE_ARCHIVE;
	} else if (ok) {
		ok = error_set(err, ERROR_SCHEMA,
			columns.rows
				? "%s: the table %s is neither an outbox nor an archive of Dray's"
				: "%s: the table %s does not exist",
			db_label(db), table);
	}
	arena_finish(&arena);
	return ok;
}

bool source_find_stream(struct db *db, const char *table, char **stream, struct error *err)
{
	struct buf names = { 0 };
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = db_run(db, SQL_HISTORY_STREAMS, table, NULL, 0, &arena, &rows, err);
	for (size_t i = 0; ok && i < rows.rows; i++)
		buf_format(&names, "%s%s", i ? ", " : "", db_cell(&rows, i, 0));
	if (ok && rows.rows > 1)
		ok = error_set(err, ERROR_USAGE,
			"%s holds several streams (%.300s); say which with --source", table,
			names.data);
	if (ok)
		*stream = memory_text(rows.rows ? db_cell(&rows, 0, 0) : "");
	buf_finish(&names);
	arena_finish(&arena);
	return ok;
}
