/* Statements for a table that Dray did not make, from those in sql/. */
#include "relay/borrowed_sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/borrowed_words.h"

static char *make(struct borrowed_words *m, enum statement statement, const char *which)
{
	buf_clear(&m->words[WORD_WHICH]);
	buf_add_text(&m->words[WORD_WHICH], which);
	return borrowed_words_apply(m, statement);
}

static void add_set(struct buf *set, const char *column)
{
	buf_add_text(set, set->size ? ", " : "");
	borrowed_words_quote(set, column, '"');
	buf_add_text(set, " = ");
}

static char *make_deliver(struct borrowed_words *m)
{
	const struct config_borrowed *columns = &m->relay->borrowed;
	struct buf *set = &m->words[WORD_SET];

	if (m->relay->on_delivered == ON_DELIVERED_DELETE)
		return borrowed_words_apply(m, SQL_BORROWED_DELETE);
	buf_clear(set);
	if (columns->state) {
		add_set(set, columns->state);
		borrowed_words_quote(set, columns->delivered_state, '\'');
	}
	if (columns->delivered_at) {
		add_set(set, columns->delivered_at);
		if (m->kind == DB_POSTGRES)
			buf_format(set, "clock_timestamp()::%s",
				borrowed_words_type(m, columns->delivered_at));
		else
			buf_add_text(set, "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')");
	}
	return borrowed_words_apply(m, SQL_BORROWED_MARK);
}

static char *make_give_up(struct borrowed_words *m)
{
	if (!m->relay->borrowed.dead_state)
		return NULL;
	buf_clear(&m->words[WORD_SET]);
	add_set(&m->words[WORD_SET], m->relay->borrowed.state);
	borrowed_words_quote(&m->words[WORD_SET], m->relay->borrowed.dead_state, '\'');
	return borrowed_words_apply(m, SQL_BORROWED_MARK);
}

/* Numbers are drawn in order; of other ids nobody knows. */
static bool sorts(const struct borrowed_words *m)
{
	static const char *const numbers[] = { "bigint", "integer", "smallint", "INTEGER", "INT",
		"BIGINT" };
	const char *type = borrowed_words_type(m, m->relay->borrowed.id);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(type, numbers[i]) == 0)
			return true;
	return m->relay->borrowed.order != NULL;
}

static void make_all(struct borrowed_words *m, struct borrowed_sql *sql)
{
	char *after = borrowed_words_apply(m, SQL_BORROWED_AFTER);
	char *among = borrowed_words_apply(m, SQL_BORROWED_AMONG);

	*sql = (struct borrowed_sql){ .first = make(m, SQL_BORROWED_READ, "TRUE"),
		.next = make(m, SQL_BORROWED_READ, after),
		.behind = make(m, SQL_BORROWED_BEHIND, after),
		.some = make(m, SQL_BORROWED_READ, among),
		.oldest = borrowed_words_apply(m, SQL_BORROWED_OLDEST),
		.deliver = make_deliver(m),
		.give_up = make_give_up(m),
		.sorts = sorts(m) };
	snprintf(sql->id_type, sizeof(sql->id_type), "%s", m->words[WORD_ID_TYPE].data);
	free(after);
	free(among);
}

bool borrowed_sql_make(struct borrowed_sql *sql, struct db *db, const struct config_relay *relay,
	struct error *err)
{
	struct borrowed_words words = { .kind = db_kind(db), .relay = relay };
	char *table = db_quote_table(relay->table, err);
	struct arena arena;

	arena_init(&arena);
	bool ok = table && db_columns(db, relay->table, &arena, &words.types, err) &&
		(borrowed_words_check(&words, err) || error_prefix(err, "%s", db_label(db)));
	if (ok) {
		borrowed_words_fill(&words, table);
		make_all(&words, sql);
	}
	borrowed_words_finish(&words);
	arena_finish(&arena);
	free(table);
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

void borrowed_list_add(struct buf *list, const char *text)
{
	buf_add_text(list, list->size ? ",\"" : "[\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_char(list, '\\');
		if ((unsigned char)*text < ' ')
			buf_format(list, "\\u%04x", (unsigned)*text);
		else
			buf_add_char(list, *text);
	}
	buf_add_char(list, '"');
}

const char *borrowed_list_end(struct buf *list)
{
	buf_add_text(list, list->size ? "]" : "[]");
	return list->data;
}
