/* Statements for a table that Dray did not make. Names are quoted, so are constants; nothing else goes into them. */
#include "relay/borrowed_sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "config_borrowed.h"

struct maker {
	const struct config_relay *relay;
	const struct config_borrowed *columns;
	bool postgres;
	char *table; /* quoted */
	struct arena arena;
	struct db_rows types; /* name and type of each column */
};

static void add_quoted(struct buf *out, const char *text, char quote)
{
	buf_add_char(out, quote);
	for (; *text; text++) {
		if (*text == quote)
			buf_add_char(out, quote);
		buf_add_char(out, *text);
	}
	buf_add_char(out, quote);
}

static const char *type_of(const struct maker *m, const char *column)
{
	for (size_t i = 0; i < m->types.rows; i++)
		if (strcmp(db_cell(&m->types, i, 0), column) == 0)
			return db_cell(&m->types, i, 1);
	return NULL;
}

/* t."NAME" */
static void add_column(struct buf *out, const char *name)
{
	buf_add_text(out, "t.");
	add_quoted(out, name, '"');
}

static void add_text_of(struct buf *out, const char *column)
{
	buf_add_text(out, "CAST(");
	add_column(out, column);
	buf_add_text(out, " AS text)");
}

/* A text with columns in it: NULL where one of them is. */
static void add_template(struct buf *out, const char *template)
{
	char *piece = memory_new(strlen(template) + 1);
	const char *between = "";
	bool is_column;

	buf_add_char(out, '(');
	while (borrowed_next(&template, piece, &is_column)) {
		buf_add_text(out, between);
		if (is_column)
			add_text_of(out, piece);
		else
			add_quoted(out, piece, '\'');
		between = " || ";
	}
	buf_add_text(out, *between ? ")" : "'')");
	free(piece);
}

/* An object of those that are not NULL. */
static void add_headers(struct buf *out, const struct maker *m)
{
	const struct config_list *headers = &m->columns->headers;

	if (headers->count == 0) {
		buf_add_text(out, "NULL");
		return;
	}
	buf_add_text(out,
		m->postgres ? "jsonb_strip_nulls(jsonb_build_object("
			    : "json_patch('{}', json_object(");
	for (size_t i = 0; i < headers->count; i++) {
		const char *equal = strchr(headers->items[i], '=');
		char *name = memory_copy(headers->items[i], (size_t)(equal - headers->items[i]));
		buf_add_text(out, i ? ", " : "");
		add_quoted(out, name, '\'');
		buf_add_text(out, ", ");
		add_template(out, equal + 1);
		free(name);
	}
	buf_add_text(out, "))");
}

/* Its bytes: a text's as UTF-8, NULL as none. */
static void add_payload(struct buf *out, const struct maker *m)
{
	const char *column = m->columns->payload;

	if (!column) {
		buf_add_text(out, m->postgres ? "''::bytea" : "x''");
		return;
	}
	buf_add_text(out, "coalesce(");
	if (m->postgres && strcmp(type_of(m, column), "bytea") != 0) {
		buf_add_text(out, "convert_to(");
		add_text_of(out, column);
		buf_add_text(out, ", 'UTF8'), ''::bytea)");
	} else if (m->postgres) {
		add_column(out, column);
		buf_add_text(out, ", ''::bytea)");
	} else {
		buf_add_text(out, "CAST(");
		add_column(out, column);
		buf_add_text(out, " AS BLOB), x'')");
	}
}

/* In milliseconds since 1970; NULL where it is not known. */
static void add_created(struct buf *out, const struct maker *m)
{
	const char *column = m->columns->created_at;

	if (!column) {
		buf_add_text(out, m->postgres ? "NULL::bigint" : "NULL");
		return;
	}
	buf_add_text(out, m->postgres ? "(extract(epoch FROM " : "CAST((julianday(");
	add_column(out, column);
	buf_add_text(
		out, m->postgres ? ") * 1000)::bigint" : ") - 2440587.5) * 86400000 AS INTEGER)");
}

static void add_pending(struct buf *out, const struct maker *m)
{
	const struct config_borrowed *columns = m->columns;

	if (columns->state) {
		add_column(out, columns->state);
		if (columns->pending_state) {
			buf_add_text(out, " = ");
			add_quoted(out, columns->pending_state, '\'');
		} else {
			buf_add_text(out, " IS NULL");
		}
		buf_add_text(out, " AND ");
	}
	if (columns->delivered_at) {
		add_column(out, columns->delivered_at);
		buf_add_text(out, " IS NULL AND ");
	}
	buf_add_text(
		out, m->postgres ? "coalesce(n.dead, false) = false" : "coalesce(n.dead, 0) = 0");
}

static void add_from(struct buf *out, const struct maker *m)
{
	buf_format(out, " FROM %s AS t LEFT JOIN %s AS n ON n.relay = $1 AND n.row_id = ", m->table,
		m->postgres ? "dray.borrowed_row" : "dray_borrowed_row");
	add_text_of(out, m->columns->id);
	buf_add_text(out, " WHERE ");
	add_pending(out, m);
}

static const char *order_of(const struct maker *m)
{
	return m->columns->order ? m->columns->order : m->columns->id;
}

static void add_order(struct buf *out, const struct maker *m)
{
	buf_add_text(out, " ORDER BY ");
	add_column(out, order_of(m));
	buf_add_text(out, ", ");
	add_column(out, m->columns->id);
}

/* A parameter of a column's type. */
static void add_parameter(
	struct buf *out, const struct maker *m, const char *name, const char *column)
{
	buf_add_text(out, name);
	if (m->postgres)
		buf_format(out, "::%s", type_of(m, column));
}

static void add_behind_cursor(struct buf *out, const struct maker *m)
{
	buf_add_text(out, " AND ((");
	add_column(out, order_of(m));
	buf_add_text(out, ", ");
	add_column(out, m->columns->id);
	buf_add_text(out, ") > (");
	add_parameter(out, m, "$4", order_of(m));
	buf_add_text(out, ", ");
	add_parameter(out, m, "$5", m->columns->id);
	buf_add_text(out, "))");
}

static void add_among(struct buf *out, const struct maker *m, const char *parameter)
{
	add_column(out, m->columns->id);
	if (m->postgres)
		buf_format(out, " IN (SELECT value::%s FROM json_array_elements_text(%s::json))",
			type_of(m, m->columns->id), parameter);
	else
		buf_format(out, " IN (SELECT value FROM json_each(%s))", parameter);
}

static void add_wait(struct buf *out, const struct maker *m)
{
	buf_add_text(out,
		m->postgres
			? "coalesce((extract(epoch FROM n.retry_at - clock_timestamp()) * 1000)::bigint, 0)"
			: "coalesce(CAST((julianday(n.retry_at) - julianday('now')) * 86400000 AS INTEGER), 0)");
}

/* One row of each: as borrowed_column has them, then the size. */
static void add_row(struct buf *out, const struct maker *m)
{
	const struct config_borrowed *columns = m->columns;

	buf_add_text(out, "SELECT ");
	add_text_of(out, columns->id);
	buf_add_text(out, " AS id, ");
	add_text_of(out, order_of(m));
	buf_add_text(out, " AS place, coalesce(");
	add_template(out, columns->event_id);
	buf_add_text(out, ", '') AS event_id, coalesce(");
	add_template(out, columns->subject);
	buf_add_text(out, ", '') AS subject, ");
	if (columns->key)
		add_template(out, columns->key);
	else
		buf_add_text(out, m->postgres ? "NULL::text" : "NULL");
	buf_add_text(out, " AS key, ");
	add_headers(out, m);
	buf_add_text(out, " AS headers, ");
	add_payload(out, m);
	buf_add_text(out, " AS payload, ");
	add_created(out, m);
	buf_add_text(out, " AS created, coalesce(n.attempts, 0) AS attempts, ");
	add_wait(out, m);
	buf_add_text(out, " AS wait");
}

/* Rows up to a number and to payload bytes, one at least. */
static char *make_read(const struct maker *m, bool behind, bool among)
{
	const char *size = m->postgres ? "octet_length" : "length";
	struct buf out = { 0 };

	buf_format(&out,
		"SELECT id, place, event_id, subject, key, headers, %s, created, attempts, wait FROM ("
		"SELECT *, sum(%s(payload)) OVER (ORDER BY number ROWS UNBOUNDED PRECEDING) - %s(payload) AS before "
		"FROM (SELECT *, row_number() OVER () AS number FROM (",
		m->postgres ? "encode(payload, 'hex')" : "hex(payload)", size, size);
	add_row(&out, m);
	add_from(&out, m);
	if (behind)
		add_behind_cursor(&out, m);
	if (among) {
		buf_add_text(&out, " AND ");
		add_among(&out, m, "$4");
	}
	add_order(&out, m);
	buf_format(&out,
		" LIMIT %s) AS found) AS numbered) AS counted WHERE before < %s ORDER BY number",
		m->postgres ? "$2::bigint" : "CAST($2 AS INTEGER)",
		m->postgres ? "$3::bigint" : "CAST($3 AS INTEGER)");
	return out.data;
}

static char *make_behind(const struct maker *m)
{
	struct buf out = { 0 };

	buf_add_text(&out, "SELECT ");
	add_text_of(&out, m->columns->id);
	add_from(&out, m);
	buf_add_text(&out, " AND (true");
	add_behind_cursor(&out, m);
	buf_add_text(&out, ") IS NOT TRUE");
	if (m->postgres) /* as many parameters as the statement that follows */
		buf_add_text(&out, " AND $2::bigint IS NOT NULL AND $3::bigint IS NOT NULL");
	add_order(&out, m);
	return out.data;
}

static char *make_oldest(const struct maker *m)
{
	struct buf out = { 0 };

	buf_add_text(&out, "SELECT count(*), min(");
	add_created(&out, m);
	buf_add_char(&out, ')');
	add_from(&out, m);
	return out.data;
}

static void add_now(struct buf *out, const struct maker *m)
{
	if (m->postgres)
		buf_format(out, "clock_timestamp()::%s", type_of(m, m->columns->delivered_at));
	else
		buf_add_text(out, "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')");
}

static void add_state(struct buf *out, const struct maker *m, const char *value)
{
	add_quoted(out, m->columns->state, '"');
	buf_add_text(out, " = ");
	add_quoted(out, value, '\'');
}

static char *make_deliver(const struct maker *m)
{
	const struct config_borrowed *columns = m->columns;
	struct buf out = { 0 };

	if (m->relay->on_delivered == ON_DELIVERED_DELETE) {
		buf_format(&out, "DELETE FROM %s AS t WHERE ", m->table);
	} else {
		buf_format(&out, "UPDATE %s AS t SET ", m->table);
		if (columns->state)
			add_state(&out, m, columns->delivered_state);
		if (columns->delivered_at) {
			buf_add_text(&out, columns->state ? ", " : "");
			add_quoted(&out, columns->delivered_at, '"');
			buf_add_text(&out, " = ");
			add_now(&out, m);
		}
		buf_add_text(&out, " WHERE ");
	}
	add_among(&out, m, "$1");
	return out.data;
}

static char *make_give_up(const struct maker *m)
{
	struct buf out = { 0 };

	if (!m->columns->dead_state)
		return NULL;
	buf_format(&out, "UPDATE %s AS t SET ", m->table);
	add_state(&out, m, m->columns->dead_state);
	buf_add_text(&out, " WHERE ");
	add_among(&out, m, "$1");
	return out.data;
}

static bool check_column(
	const struct maker *m, const char *what, const char *name, struct error *err)
{
	return !name || type_of(m, name) ||
		error_set(err, ERROR_SCHEMA, "columns.%s: the table %s has no column %s", what,
			m->relay->table, name);
}

static bool check_template_columns(
	const struct maker *m, const char *what, const char *template, struct error *err)
{
	char *piece = memory_new(template ? strlen(template) + 1 : 1);
	bool ok = true, is_column;

	while (ok && template && borrowed_next(&template, piece, &is_column))
		ok = !is_column || check_column(m, what, piece, err);
	free(piece);
	return ok;
}

static bool check_columns(const struct maker *m, struct error *err)
{
	const struct config_borrowed *c = m->columns;

	if (m->types.rows == 0)
		return error_set(err, ERROR_SCHEMA, "there is no table %s", m->relay->table);
	for (size_t i = 0; i < c->headers.count; i++)
		if (!check_template_columns(
			    m, "headers", strchr(c->headers.items[i], '=') + 1, err))
			return false;
	return check_column(m, "id", c->id, err) && check_column(m, "order", c->order, err) &&
		check_column(m, "payload", c->payload, err) &&
		check_column(m, "created_at", c->created_at, err) &&
		check_column(m, "state", c->state, err) &&
		check_column(m, "delivered_at", c->delivered_at, err) &&
		check_template_columns(m, "event_id", c->event_id, err) &&
		check_template_columns(m, "subject", c->subject, err) &&
		check_template_columns(m, "key", c->key, err);
}

static bool read_types(struct maker *m, struct db *db, struct error *err)
{
	const char *dot = strchr(m->relay->table, '.');
	const char *parameter = m->postgres ? m->table : dot ? dot + 1 : m->relay->table;

	return db_run(db, SQL_BORROWED_COLUMNS, NULL, &parameter, 1, &m->arena, &m->types, err) &&
		(check_columns(m, err) || error_prefix(err, "%s", db_label(db)));
}

/* SQLite numbers its parameters with another sign; a sign in a quoted text stays what it is. */
static void use_sqlites_sign(char *sql)
{
	char quote = '\0';

	for (char *c = sql; c && *c; c++) {
		if (quote)
			quote = *c == quote ? '\0' : quote;
		else if (*c == '\'' || *c == '"')
			quote = *c;
		else if (*c == '$')
			*c = '?';
	}
}

/* Numbers are drawn in order; of other ids nobody knows. */
static bool sorts(const struct maker *m)
{
	static const char *const numbers[] = { "bigint", "integer", "smallint", "INTEGER", "INT",
		"BIGINT" };
	const char *type = type_of(m, m->columns->id);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(type, numbers[i]) == 0)
			return true;
	return m->columns->order != NULL;
}

bool borrowed_sql_make(struct borrowed_sql *sql, struct db *db, const struct config_relay *relay,
	struct error *err)
{
	struct maker m = { .relay = relay,
		.columns = &relay->borrowed,
		.postgres = db_kind(db) == DB_POSTGRES,
		.table = db_quote_table(relay->table, err) };
	bool ok;

	arena_init(&m.arena);
	ok = m.table && read_types(&m, db, err);
	if (ok) {
		*sql = (struct borrowed_sql){ .first = make_read(&m, false, false),
			.next = make_read(&m, true, false),
			.behind = make_behind(&m),
			.some = make_read(&m, false, true),
			.oldest = make_oldest(&m),
			.deliver = make_deliver(&m),
			.give_up = make_give_up(&m),
			.sorts = sorts(&m) };
		snprintf(sql->id_type, sizeof(sql->id_type), "%s", type_of(&m, m.columns->id));
		char *const all[] = { sql->first, sql->next, sql->behind, sql->some, sql->oldest,
			sql->deliver, sql->give_up };
		for (size_t i = 0; !m.postgres && i < sizeof(all) / sizeof(all[0]); i++)
			use_sqlites_sign(all[i]);
	}
	arena_finish(&m.arena);
	free(m.table);
	return ok;
}

void borrowed_sql_finish(struct borrowed_sql *sql)
{
	free(sql->first);
	free(sql->next);
	free(sql->behind);
	free(sql->some);
	free(sql->oldest);
	free(sql->deliver);
	free(sql->give_up);
	*sql = (struct borrowed_sql){ 0 };
}
