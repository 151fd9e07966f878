/*
 * An outbox table that Dray did not make, in either database: statements made from the config, values as text, and
 * polling. Rows have numbers in the order of reading (seen.h), which stand for their ids.
 */
#include "relay/outbox_borrowed.h"

#include <stdlib.h>

#include "base/memory.h"
#include "db/migrate.h"
#include "db/postgres.h"

static struct outbox *create(void)
{
	struct borrowed *b = memory_new(sizeof(*b));

	return &b->base;
}

void outbox_borrowed_forget_cursor(struct borrowed *b)
{
	free(b->place);
	free(b->id);
	b->place = b->id = NULL;
}

static void destroy(struct outbox *outbox)
{
	struct borrowed *b = borrowed_of(outbox);

	outbox_borrowed_forget_cursor(b);
	seen_finish(&b->seen);
	borrowed_sql_finish(&b->sql);
	free(b);
}

static void rewound(struct outbox *outbox)
{
	outbox_borrowed_forget_cursor(borrowed_of(outbox));
	seen_clear(&borrowed_of(outbox)->seen);
}

static bool opened(struct outbox *outbox, struct error *err)
{
	struct borrowed *b = borrowed_of(outbox);
	bool sqlite = db_kind(outbox->db) == DB_SQLITE;

	borrowed_sql_finish(&b->sql);
	return migrate_check(outbox->db, MIGRATE_CORE, NULL, err) &&
		borrowed_sql_make(&b->sql, outbox->db, outbox->config, err) &&
		outbox_borrowed_durable(outbox, false, err) &&
		(sqlite || postgres_limit_statements(db_postgres(outbox->db), err));
}

static bool oldest(struct outbox *outbox, int64_t *created_ms, struct error *err)
{
	const char *parameters[] = { outbox->lease.resource };
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = db_run_text(
		outbox->db, borrowed_of(outbox)->sql.oldest, parameters, 1, &arena, &rows, err);
	if (ok) {
		const char *count = db_cell(&rows, 0, 0), *created = db_cell(&rows, 0, 1);
		*created_ms = atoll(count) == 0 ? INT64_MAX : created ? atoll(created) : 86400000;
	}
	arena_finish(&arena);
	return ok;
}

static bool wait_for_rows(struct outbox *outbox, int wake_fd, int64_t ms, struct error *err)
{
	(void)outbox;
	(void)err;
	outbox_sleep(wake_fd, ms);
	return true;
}

const struct outbox_driver outbox_borrowed = {
	.create = create,
	.destroy = destroy,
	.oldest = oldest,
	.opened = opened,
	.rewound = rewound,
	.read = outbox_borrowed_read,
	.settle = outbox_borrowed_settle,
	.wait = wait_for_rows,
};
