#ifndef DB_EMBEDDED_H
#define DB_EMBEDDED_H

/* The SQL files as the build embeds them: see cmake/embed.cmake. Indexed by enum db_kind. */
struct embedded_statement {
	const char *name;
	const char *text[2]; /* NULL where a database has none of that name */
};

struct embedded_migration {
	int version; /* 0 ends the list */
	const char *name, *text;
};

extern const struct embedded_statement embedded_statements[]; /* by enum statement */
extern const struct embedded_migration embedded_migrations_sqlite[], embedded_migrations_postgres[];

#endif
