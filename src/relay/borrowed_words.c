/* Texts of SQL for the columns of a table that Dray did not make. */
#include "relay/borrowed_words.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config_borrowed.h"

static const char *const names[WORDS] = { [WORD_TABLE] = "table",
	[WORD_ID] = "id",
	[WORD_ID_TYPE] = "id_type",
	[WORD_ORDER] = "order",
	[WORD_ORDER_TYPE] = "order_type",
	[WORD_EVENT_ID] = "event_id",
	[WORD_SUBJECT] = "subject",
	[WORD_KEY] = "key",
	[WORD_HEADERS] = "headers",
	[WORD_PAYLOAD] = "payload",
	[WORD_CREATED_AT] = "created_at",
	[WORD_PENDING] = "pending",
	[WORD_SET] = "set",
	[WORD_WHICH] = "which" };

const char *borrowed_words_type(const struct borrowed_words *m, const char *column)
{
	for (size_t i = 0; i < m->types.rows; i++)
		if (strcmp(db_cell(&m->types, i, 0), column) == 0)
			return db_cell(&m->types, i, 1);
	return NULL;
}

void borrowed_words_quote(struct buf *out, const char *text, char quote)
{
	buf_add_char(out, quote);
	for (; *text; text++) {
		if (*text == quote)
			buf_add_char(out, quote);
		buf_add_char(out, *text);
	}
	buf_add_char(out, quote);
}

/* t."NAME" */
static void add_column(struct buf *out, const char *name)
{
	buf_add_text(out, "t.");
	borrowed_words_quote(out, name, '"');
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
			borrowed_words_quote(out, piece, '\'');
		between = " || ";
	}
	buf_add_text(out, *between ? ")" : "'')");
	free(piece);
}

/* Names and values, with commas between. */
static void add_headers(struct buf *out, const struct config_list *headers)
{
	buf_add_text(out, "");
	for (size_t i = 0; i < headers->count; i++) {
		const char *equal = strchr(headers->items[i], '=');
		char *name = memory_copy(headers->items[i], (size_t)(equal - headers->items[i]));
		buf_add_text(out, i ? ", " : "");
		borrowed_words_quote(out, name, '\'');
		buf_add_text(out, ", ");
		add_template(out, equal + 1);
		free(name);
	}
}

/* SQLite takes the name of any type. */
static void add_column_or_null(struct buf *out, const char *column, const char *type)
{
	if (column)
		add_column(out, column);
	else
		buf_format(out, "CAST(NULL AS %s)", type);
}

/* Bytes as they are; what PostgreSQL has of another type, as its text in UTF-8. */
static void add_payload(struct buf *out, const struct borrowed_words *m)
{
	const char *column = m->relay->borrowed.payload;
	bool convert = column && m->kind == DB_POSTGRES &&
		strcmp(borrowed_words_type(m, column), "bytea") != 0;

	if (!convert) {
		add_column_or_null(out, column, "bytea");
		return;
	}
	buf_add_text(out, "convert_to(");
	add_text_of(out, column);
	buf_add_text(out, ", 'UTF8')");
}

static void add_equal(struct buf *out, const char *value)
{
	buf_add_text(out, " = ");
	borrowed_words_quote(out, value, '\'');
}

static void add_pending(struct buf *out, const struct config_borrowed *columns)
{
	buf_add_text(out, columns->state || columns->delivered_at ? "" : "TRUE");
	if (columns->state) {
		add_column(out, columns->state);
		if (columns->pending_state)
			add_equal(out, columns->pending_state);
		else
			buf_add_text(out, " IS NULL");
	}
	if (columns->delivered_at) {
		buf_add_text(out, columns->state ? " AND " : "");
		add_column(out, columns->delivered_at);
		buf_add_text(out, " IS NULL");
	}
}

void borrowed_words_fill(struct borrowed_words *m, const char *table)
{
	const struct config_borrowed *columns = &m->relay->borrowed;
	const char *order = columns->order ? columns->order : columns->id;

	buf_add_text(&m->words[WORD_TABLE], table);
	add_column(&m->words[WORD_ID], columns->id);
	buf_add_text(&m->words[WORD_ID_TYPE], borrowed_words_type(m, columns->id));
	add_column(&m->words[WORD_ORDER], order);
	buf_add_text(&m->words[WORD_ORDER_TYPE], borrowed_words_type(m, order));
	add_template(&m->words[WORD_EVENT_ID], columns->event_id);
	add_template(&m->words[WORD_SUBJECT], columns->subject);
	if (columns->key)
		add_template(&m->words[WORD_KEY], columns->key);
	else
		add_column_or_null(&m->words[WORD_KEY], NULL, "text");
	add_headers(&m->words[WORD_HEADERS], &columns->headers);
	add_payload(&m->words[WORD_PAYLOAD], m);
	add_column_or_null(&m->words[WORD_CREATED_AT], columns->created_at, "timestamptz");
	add_pending(&m->words[WORD_PENDING], columns);
}

static bool check_column(
	const struct borrowed_words *m, const char *what, const char *name, struct error *err)
{
	return !name || borrowed_words_type(m, name) ||
		error_set(err, ERROR_SCHEMA, "columns.%s: the table %s has no column %s", what,
			m->relay->table, name);
}

static bool check_template_columns(
	const struct borrowed_words *m, const char *what, const char *template, struct error *err)
{
	char *piece = memory_new(template ? strlen(template) + 1 : 1);
	bool ok = true, is_column;

	while (ok && template && borrowed_next(&template, piece, &is_column))
		ok = !is_column || check_column(m, what, piece, err);
	free(piece);
	return ok;
}

bool borrowed_words_check(const struct borrowed_words *m, struct error *err)
{
	const struct config_borrowed *c = &m->relay->borrowed;

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

char *borrowed_words_apply(const struct borrowed_words *m, enum statement statement)
{
	struct db_word words[WORDS];

	for (size_t i = 0; i < WORDS; i++)
		words[i] = (struct db_word){ names[i], m->words[i].data ? m->words[i].data : "" };
	return db_statement_words(m->kind, statement, words, WORDS);
}

void borrowed_words_finish(struct borrowed_words *m)
{
	for (size_t i = 0; i < WORDS; i++)
		buf_finish(&m->words[i]);
}
