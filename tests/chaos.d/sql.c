/* The statements of the writers, in both dialects. */
#include "sql.h"

#include <stdio.h>

static bool pg(const struct writer *writer)
{
	return testdb_is_postgres(writer->db);
}

void sql_begin(struct writer *writer)
{
	writer->size = 0;
	sql_add(writer, "%s;", pg(writer) ? "BEGIN" : "BEGIN IMMEDIATE");
}

void sql_add(struct writer *writer, const char *format, ...)
{
	size_t room = sizeof(writer->sql) - writer->size;
	va_list arguments;

	va_start(arguments, format);
	int size = vsnprintf(writer->sql + writer->size, room, format, arguments);
	va_end(arguments);
	if (size < 0 || (size_t)size >= room)
		abort();
	writer->size += (size_t)size;
}

bool sql_run(struct writer *writer)
{
	bool good = testdb_try(writer->db, NULL, writer->sql);

	writer->size = 0;
	if (!good)
		testdb_try(writer->db, NULL, "ROLLBACK");
	return good;
}

static const char *new_id(const struct writer *writer)
{
	return pg(writer) ? "gen_random_uuid()" : "lower(hex(randomblob(16)))";
}

/* A scheduled row is due so long after the beginning of its transaction; another is there when it is there. */
static const char *clock_ms(const struct writer *writer, const struct rows *rows)
{
	return pg(writer) ? rows->delay_ms
			? "(extract(epoch FROM now()) * 1000)::bigint"
			: "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
			  : "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";
}

static void add_literal(struct writer *writer, const char *value)
{
	sql_add(writer, "%s", value ? "'" : "NULL");
	for (const char *c = value; c && *c; c++)
		sql_add(writer, *c == '\'' ? "''" : "%c", *c);
	sql_add(writer, "%s", value ? "'" : "");
}

static void add_large(struct writer *writer, int bytes)
{
	if (!bytes)
		return;
	if (pg(writer))
		sql_add(writer, " || repeat('x', %d)", bytes);
	else
		sql_add(writer, " || hex(zeroblob(%d))", bytes / 2);
}

/* Up to the subject. n: an expression. */
static void insert_ledger(struct writer *writer, const struct rows *rows, const char *n)
{
	sql_add(writer,
		"INSERT INTO ledger (txn, kind, event_id, n, late, delay_ms, due_ms, headers, subject, "
		"key, payload) SELECT '%s', '%s', ",
		rows->tag, rows->kind ? rows->kind : "good");
	if (rows->event_id)
		add_literal(writer, rows->event_id);
	else
		sql_add(writer, "%s", new_id(writer));
	sql_add(writer, ", %s, %d, %d, %s + %d, ", n, rows->late, rows->delay_ms,
		clock_ms(writer, rows), rows->delay_ms);
	add_literal(writer, rows->headers);
}

void sql_keyed(struct writer *writer, const char *keys, const struct rows *rows)
{
	char n[64];

	if (pg(writer))
		sql_add(writer, "SELECT 1 FROM business WHERE key IN (%s) ORDER BY key FOR UPDATE;",
			keys);
	sql_add(writer, "UPDATE business SET n = n + %d WHERE key IN (%s);", rows->count, keys);
	snprintf(n, sizeof(n), "b.n - %d + s.i", rows->count);
	insert_ledger(writer, rows, n);
	sql_add(writer,
		", CASE WHEN b.key LIKE '%%1' THEN 'side.' ELSE 'chaos.' END || b.key, b.key, b.key || ':' || (%s) || ' C:\\temp \xc3\xa9\xe2\x89\xa0 "
		"%0*d' FROM business b, series s WHERE b.key IN (%s) AND s.i <= %d;",
		n, (int)random_between(&writer->random, 1, 200), 0, keys, rows->count);
	sql_to_outbox(writer, rows);
}

static void insert_keyless(struct writer *writer, const char *key, const struct rows *rows)
{
	insert_ledger(writer, rows, "s.i");
	sql_add(writer, ", ");
	add_literal(writer, rows->subject ? rows->subject : "chaos.any");
	sql_add(writer, ", ");
	add_literal(writer, key);
	sql_add(writer, ", '%s:' || s.i", rows->tag);
	add_large(writer, rows->large);
	sql_add(writer, " FROM series s WHERE s.i <= %d;", rows->count);
}

void sql_keyless(struct writer *writer, const char *key, const struct rows *rows)
{
	insert_keyless(writer, key, rows);
	sql_to_outbox(writer, rows);
}

/* When a row that the application scheduled is due. */
static const char *available(const struct writer *writer)
{
	return pg(writer)
		? ", now() + delay_ms * interval '1 ms'"
		: ", strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (delay_ms / 1000.0) || ' seconds')";
}

void sql_to_outbox(struct writer *writer, const struct rows *rows)
{
	bool scheduled = rows->delay_ms > 0;

	sql_add(writer, "INSERT INTO %s (event_id, subject, key, headers, payload%s) SELECT %s%s",
		pg(writer) ? "dray.outbox" : "dray_outbox", scheduled ? ", available_at" : "",
		pg(writer) ? "event_id::uuid, subject, key, headers::jsonb, "
			     "convert_to(payload, 'UTF8')"
			   : "event_id, subject, key, headers, CAST(payload AS BLOB)",
		scheduled ? available(writer) : "");
	sql_add(writer, " FROM ledger WHERE txn = '%s' ORDER BY n, key;", rows->tag);
}

void sql_draw(struct writer *writer, int count)
{
	sql_add(writer,
		"DELETE FROM drawn WHERE writer = %d; INSERT INTO drawn SELECT %d, i, nextval(pg_get_serial_sequence('dray.outbox', 'id')) "
		"FROM series WHERE i <= %d ORDER BY i;",
		writer->number, writer->number, count);
}

void sql_to_outbox_drawn(struct writer *writer, const struct rows *rows)
{
	insert_keyless(writer, NULL, rows);
	sql_add(writer,
		"DELETE FROM ledger WHERE txn = '%s' AND n NOT IN (SELECT n FROM drawn WHERE writer = "
		"%d);",
		rows->tag, writer->number); /* the database was away when they were to be drawn */
	sql_add(writer,
		"INSERT INTO dray.outbox (id, event_id, subject, headers, payload) OVERRIDING SYSTEM "
		"VALUE SELECT d.id, l.event_id::uuid, l.subject, l.headers::jsonb, "
		"convert_to(l.payload, 'UTF8') FROM ledger l JOIN drawn d USING (n) WHERE l.txn = '%s' "
		"AND d.writer = %d; DELETE FROM drawn WHERE writer = %d;",
		rows->tag, writer->number, writer->number);
}
