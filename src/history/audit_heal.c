/*
 * Publishes again what is missing: the relay's loop over an outbox that has just these rows, numbered in the
 * order in which the stream had them, with their own ids. Settling notes where the stream holds them now.
 */
#include "history/audit_work.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "history/source.h"
#include "relay/outbox_driver.h"
#include "relay/relay.h"

#define TRIES 5
#define CHUNK 500 /* rows a statement */

struct lost {
	int64_t id;
	uint64_t seq;
	bool done, healed;
};

struct heal {
	struct outbox base;
	struct audit *audit;
	const char *stream;
	struct lost *items; /* a row's number is its place here */
	size_t count, open;
	int64_t began_ms;
	bool sent; /* something may be in the stream already */
	int tries;
};

static struct heal *heal_of(struct outbox *outbox)
{
	return (struct heal *)outbox;
}

static void destroy(struct outbox *outbox)
{
	(void)outbox; /* it lies in audit_heal */
}

static bool opened(struct outbox *outbox, struct error *err)
{
	return source_open(outbox->db, err);
}

static void closing(struct outbox *outbox)
{
	(void)outbox;
}

static void rewound(struct outbox *outbox)
{
	outbox->cursor = -1;
}

/* The audit has just looked the ids up. */
static bool oldest(struct outbox *outbox, int64_t *created_ms, struct error *err)
{
	const struct heal *heal = heal_of(outbox);

	(void)err;
	*created_ms = heal->sent ? heal->began_ms : INT64_MAX;
	return true;
}

static bool positions(struct outbox *outbox, struct arena *arena, struct position **list,
	size_t *count, struct error *err)
{
	(void)outbox;
	(void)err;
	*list = arena_new(arena, sizeof(**list));
	*count = 0;
	return true;
}

/* Who lost the right to heal must not stand by for it: somebody else heals now. */
static bool may_go_on(struct heal *heal, struct error *err)
{
	heal->base.done = heal->open == 0;
	if (audit_keep(heal->audit, err))
		return true;
	if (err->kind == ERROR_CONFLICT)
		err->kind = ERROR_REJECTED;
	return false;
}

/* The next rows that are not done, by their ids; *from: the place of the first. */
static size_t choose(
	const struct heal *heal, size_t *place, size_t limit, struct map *places, struct buf *json)
{
	size_t chosen = 0;

	buf_add_char(json, '[');
	for (; *place < heal->count && chosen < limit; ++*place) {
		const struct lost *lost = &heal->items[*place];
		if (lost->done)
			continue;
		buf_format(json, "%s%" PRId64, chosen ? "," : "", lost->id);
		map_put(places, (uint64_t)lost->id, *place);
		chosen++;
	}
	buf_add_char(json, ']');
	return chosen;
}

static void number_rows(
	struct heal *heal, struct batch *batch, struct map *places, enum row_source source)
{
	uint64_t place;

	for (size_t i = 0; i < batch->count; i++) {
		struct row *row = &batch->rows[i];
		if (map_get(places, (uint64_t)row->id, &place))
			row->id = (int64_t)place;
		map_remove(places, (uint64_t)heal->items[row->id].id);
		row->source = source;
		row->created_ms = heal->began_ms;
	}
}

/* Rows that are gone meanwhile need no healing. */
static void forget_gone(struct heal *heal, const struct map *places)
{
	uint64_t place;

	for (size_t at = 0; map_next(places, &at, &place);)
		if (!heal->items[place].done) {
			heal->items[place].done = true;
			heal->open--;
		}
}

static bool read_chosen(struct heal *heal, const struct buf *json, size_t count, struct map *places,
	enum row_source source, struct batch **batch, struct error *err)
{
	const char *parameter = json->data;

	if (!source_run(heal->base.db, SQL_AUDIT_LOST, heal->base.config->table, &parameter, 1,
		    count, INT64_MAX, batch, err))
		return false;
	number_rows(heal, *batch, places, source);
	forget_gone(heal, places);
	heal->sent = true;
	return true;
}

static bool read_rows(struct outbox *outbox, const struct read_plan *plan, struct batch **batch,
	struct error *err)
{
	struct heal *heal = heal_of(outbox);
	bool again = plan->sweep && outbox->sweep_at != OUTBOX_NO_SWEEP, ok = true;
	int64_t after = again ? outbox->sweep_at : outbox->cursor;
	size_t place = after < 0 ? 0 : (size_t)after + 1;
	struct map places = { 0 };
	struct buf json = { 0 };

	size_t count =
		choose(heal, &place, plan->limit < CHUNK ? plan->limit : CHUNK, &places, &json);
	if (count == 0)
		*batch = batch_create(0);
	else
		ok = read_chosen(
			heal, &json, count, &places, again ? ROW_SWEEP : ROW_NEW, batch, err);
	if (ok && count == 0)
		*(again ? &(*batch)->sweep_done : &(*batch)->caught_up) = true;
	map_finish(&places);
	buf_finish(&json);
	heal->base.done = heal->open == 0;
	return ok;
}

static bool note(
	struct db *db, const char *table, const char *stream, struct buf *json, struct error *err)
{
	buf_add_char(json, ']');
	const char *parameters[] = { json->data, stream };
	bool ok = json->size == 2 ||
		db_run(db, SQL_AUDIT_FOUND, table, parameters, 2, NULL, NULL, err);
	buf_clear(json);
	buf_add_char(json, '[');
	return ok;
}

static void add_note(struct buf *json, int64_t id, uint64_t was, uint64_t seq)
{
	buf_format(json, "%s[%" PRId64 ",%" PRIu64 ",%" PRIu64 "]", json->size > 1 ? "," : "", id,
		was, seq);
}

static void close_one(struct heal *heal, const struct verdict *verdict, struct buf *json)
{
	struct lost *lost = &heal->items[verdict->row->id];

	if (lost->done)
		return;
	lost->done = true;
	lost->healed = verdict->outcome == OUTCOME_DELIVERED;
	heal->open--;
	if (lost->healed)
		add_note(json, lost->id, lost->seq, verdict->seq);
}

static bool not_taken(struct heal *heal, const struct verdict *verdict, struct error *err)
{
	return error_set(err, ++heal->tries < TRIES ? ERROR_UNAVAILABLE : ERROR_REJECTED,
		"row %" PRId64 ": %s", heal->items[verdict->row->id].id, verdict->error);
}

static bool settle(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
	const struct position *position, size_t *changed, struct error *err)
{
	struct heal *heal = heal_of(outbox);
	const struct verdict *failed = NULL;
	struct buf json = { 0 };

	(void)position;
	buf_add_char(&json, '[');
	for (size_t i = 0; i < count; i++)
		if (verdicts[i]->outcome == OUTCOME_RETRY)
			failed = verdicts[i];
		else
			close_one(heal, verdicts[i], &json);
	*changed = count;
	bool ok = note(outbox->db, outbox->config->table, heal->stream, &json, err) &&
		may_go_on(heal, err);
	buf_finish(&json);
	return ok && (!failed || not_taken(heal, failed, err));
}

static bool wait_for_more(struct outbox *outbox, int wake_fd, int64_t ms, struct error *err)
{
	struct pollfd fd = { .fd = wake_fd, .events = POLLIN };

	poll(&fd, 1, ms < 0 ? 0 : ms > 1000 ? 1000 : (int)ms);
	return may_go_on(heal_of(outbox), err);
}

static const struct outbox_driver driver = {
	.guest = true,
	.destroy = destroy,
	.oldest = oldest,
	.positions = positions,
	.opened = opened,
	.closing = closing,
	.rewound = rewound,
	.read = read_rows,
	.settle = settle,
	.wait = wait_for_more,
};

bool audit_note_found(struct audit *audit, const char *stream, struct error *err)
{
	struct buf json = { 0 };
	bool ok = true;

	buf_add_char(&json, '[');
	for (size_t i = 0; ok && i < audit->suspects.count; i++) {
		const struct audit_suspect *one = &audit->suspects.items[i];
		if (one->found > 0 && one->found < UINT64_MAX)
			add_note(&json, one->id, one->seq, one->found);
		if (i % CHUNK == CHUNK - 1 || i + 1 == audit->suspects.count)
			ok = note(audit->writer, audit->options->relay->table, stream, &json, err);
	}
	buf_finish(&json);
	return ok;
}

static void list_lost(struct heal *heal, const struct audit_suspects *suspects)
{
	heal->items = memory_new((suspects->count + 1) * sizeof(*heal->items));
	for (size_t i = 0; i < suspects->count; i++)
		if (suspects->items[i].found == 0)
			heal->items[heal->count++] = (struct lost){ .id = suspects->items[i].id,
				.seq = suspects->items[i].seq };
	heal->open = heal->count;
}

/* The audit's own relay, into the one stream, whatever the rows' relay does now. */
static bool run(struct heal *heal, struct error *err)
{
	const struct audit_options *options = heal->audit->options;
	struct config_relay relay = *options->relay;

	relay.stream = (char *)(uintptr_t)heal->stream;
	relay.ordering = ORDERING_KEY;
	relay.retry.max_attempts = 0;
	return outbox_init(&heal->base, &driver, &relay, options->stop, err) &&
		relay_run_outbox(options->config, &relay, &heal->base, NULL, options->stop, err);
}

bool audit_heal(struct audit *audit, const char *stream, int64_t *healed, struct error *err)
{
	struct heal heal = { .audit = audit, .stream = stream, .began_ms = clock_wall_ms() };
	bool ok = true;

	list_lost(&heal, &audit->suspects);
	if (heal.count > 0)
		ok = run(&heal, err);
	*healed = 0;
	for (size_t i = 0; i < heal.count; i++)
		*healed += heal.items[i].healed;
	free(heal.items);
	return ok;
}
