#ifndef RELAY_BORROWED_WORDS_H
#define RELAY_BORROWED_WORDS_H

#include "base/buf.h"
#include "config.h"
#include "db/db.h"

/*
 * The words of the statements for a table that Dray did not make (sql/: borrowed_*), from its config and its columns.
 * Names are quoted, so are constants; nothing else of the config goes into them. Pure. One thread.
 */
enum borrowed_word {
	WORD_TABLE,
	WORD_ID,
	WORD_ID_TYPE,
	WORD_ORDER,
	WORD_ORDER_TYPE,
	WORD_EVENT_ID,
	WORD_SUBJECT,
	WORD_KEY,
	WORD_HEADERS,
	WORD_PAYLOAD,
	WORD_CREATED_AT,
	WORD_PENDING,
	WORD_SET, /* the maker of statements fills it */
	WORD_WHICH, /* likewise */
	WORDS
};

struct borrowed_words {
	enum db_kind kind;
	const struct config_relay *relay;
	struct db_rows types; /* name and type of each column of the table; belong to the caller */
	struct buf words[WORDS];
};

/* The columns that the config names: is each there (ERROR_SCHEMA)? */
bool borrowed_words_check(const struct borrowed_words *words, struct error *err);

/* table: quoted. To be called once, after the check. */
void borrowed_words_fill(struct borrowed_words *words, const char *table);
void borrowed_words_finish(struct borrowed_words *words);

/* The text of a statement; belongs to the caller. */
char *borrowed_words_apply(const struct borrowed_words *words, enum statement statement);

/* A column's type, as the database names it; NULL: there is none. */
const char *borrowed_words_type(const struct borrowed_words *words, const char *column);

/* Quoted, as a name (") or a constant ('). */
void borrowed_words_quote(struct buf *out, const char *text, char quote);

#endif
