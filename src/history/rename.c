/* New subjects and ids for events that are published again. */
#include "history/rename.h"

#include <string.h>

#include "base/arena.h"

/* The subject goes in place of {subject}. */
static struct slice make_subject(const char *to, struct slice subject, struct arena *arena)
{
	const char *at = strstr(to, RENAME_SUBJECT);

	if (strcmp(to, RENAME_SUBJECT) == 0)
		return subject;
	size_t before = at ? (size_t)(at - to) : strlen(to);
	const char *after = at ? at + strlen(RENAME_SUBJECT) : "";
	size_t size = before + (at ? subject.size : 0) + strlen(after);
	char *text = arena_new(arena, size + 1);
	memcpy(text, to, before);
	if (at)
		memcpy(text + before, subject.data, subject.size);
	memcpy(text + size - strlen(after), after, strlen(after));
	return (struct slice){ text, size };
}

static struct slice make_id(const char *run, struct slice id, struct arena *arena)
{
	size_t suffix = strlen(run);
	char *text = arena_new(arena, id.size + 1 + suffix);

	memcpy(text, id.data, id.size);
	text[id.size] = '.';
	memcpy(text + id.size + 1, run, suffix);
	return (struct slice){ text, id.size + 1 + suffix };
}

/* Such a stream takes events from its relay alone. */
static bool check_subject(const struct config_list *closed, struct slice subject, struct error *err)
{
	for (size_t i = 0; i < closed->count; i++)
		if (event_subject_matches(closed->items[i], subject))
			return error_set(err, ERROR_USAGE,
				"'%.*s' goes into a stream that a relay with ordering: stream fills, which "
				"has to be its only publisher; publish into another stream with --to",
				(int)subject.size, subject.data);
	return true;
}

bool rename_rows(const struct rename *rename, struct batch *batch, struct error *err)
{
	struct arena arena;
	bool ok = true;

	arena_init(&arena);
	for (size_t i = 0; ok && i < batch->count; i++) {
		struct row row = *batch->rows[i];
		row.event.id = make_id(rename->run, row.event.id, &arena);
		row.event.subject = make_subject(rename->to, row.event.subject, &arena);
		row.event.replay = slice_of(rename->run);
		batch_put(batch, i, &row);
		ok = check_subject(rename->closed, row.event.subject, err);
	}
	arena_finish(&arena);
	return ok;
}
