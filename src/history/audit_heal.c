/*
 * Publishes again what is missing: the relay's loop over an outbox that has just these rows, numbered in the
 * order in which the stream had them, with their own ids. Settling notes where the stream holds them now.
 */
#include "history/audit_work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "history/guest.h"
#include "history/source.h"
#include "relay/relay.h"

#define CHUNK 500 /* rows a statement */

struct lost {
	int64_t id;
	uint64_t seq;
	bool done, healed;
};

struct heal {
	struct guest guest;
	struct audit *audit;
	const char *stream;
	struct lost *items; /* a row's number is its place here */
	size_t count, open;
	bool sent; /* something may be in the stream already */
	struct buf notes; /* of healed rows, not written yet */
};

static struct heal *heal_of(const struct guest *guest)
{
	return (struct heal *)(uintptr_t)guest;
}

static void begin(struct guest *guest)
{
	guest->base.cursor = -1;
}

/* The audit has just looked the ids up. */
static bool uncertain(const struct guest *guest)
{
	return heal_of(guest)->sent;
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

static void number_rows(const struct heal *heal, struct batch *batch, struct map *places)
{
	uint64_t place;

	for (size_t i = 0; i < batch->count; i++) {
		struct row *row = batch->rows[i];
		if (map_get(places, (uint64_t)row->id, &place))
			row->id = (int64_t)place;
		map_remove(places, (uint64_t)heal->items[row->id].id);
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
	struct batch **batch, struct error *err)
{
	const char *parameter = json->data;

	if (!source_run(heal->guest.base.db, SQL_AUDIT_LOST, heal->guest.base.config->table,
		    &parameter, 1, count, INT64_MAX, batch, err))
		return false;
	number_rows(heal, *batch, places);
	forget_gone(heal, places);
	heal->sent = true;
	return true;
}

static bool read_rows(struct guest *guest, const struct read_plan *plan, bool again,
	struct batch **batch, struct error *err)
{
	struct heal *heal = heal_of(guest);
	int64_t after = again ? guest->base.sweep_at : guest->base.cursor;
	size_t place = after < 0 ? 0 : (size_t)after + 1;
	struct map places = { 0 };
	struct buf json = { 0 };
	bool ok = true;

	size_t count =
		choose(heal, &place, plan->limit < CHUNK ? plan->limit : CHUNK, &places, &json);
	if (count > 0) {
		ok = read_chosen(heal, &json, count, &places, batch, err);
	} else {
		*batch = batch_create(0);
		*(again ? &(*batch)->sweep_done : &(*batch)->caught_up) = true;
	}
	map_finish(&places);
	buf_finish(&json);
	guest->base.done = heal->open == 0;
	return ok;
}

/* Writes the notes and forgets them. */
static bool note(
	struct db *db, const char *table, const char *stream, struct buf *notes, struct error *err)
{
	if (notes->size == 0)
		return true;
	buf_add_char(notes, ']');
	const char *parameters[] = { notes->data, stream };
	bool ok = db_run(db, SQL_AUDIT_FOUND, table, parameters, 2, NULL, NULL, err);
	buf_clear(notes);
	return ok;
}

static void add_note(struct buf *notes, int64_t id, uint64_t was, uint64_t seq)
{
	buf_format(notes, "%s[%" PRId64 ",%" PRIu64 ",%" PRIu64 "]", notes->size ? "," : "[", id,
		was, seq);
}

static void close_row(
	struct guest *guest, const struct verdict *verdict, const struct position *position)
{
	struct heal *heal = heal_of(guest);
	struct lost *lost = &heal->items[verdict->row->id];

	(void)position;
	if (lost->done)
		return;
	lost->done = true;
	lost->healed = verdict->outcome == OUTCOME_DELIVERED;
	heal->open--;
	if (lost->healed)
		add_note(&heal->notes, lost->id, lost->seq, verdict->seq);
}

/* Who lost the right to heal must not stand by for it: somebody else heals now. */
static bool go_on(struct guest *guest, struct error *err)
{
	struct heal *heal = heal_of(guest);

	if (!note(guest->base.db, guest->base.config->table, heal->stream, &heal->notes, err))
		return false;
	guest->base.done = heal->open == 0;
	if (audit_keep(heal->audit, err))
		return true;
	if (err->kind == ERROR_CONFLICT)
		err->kind = ERROR_REJECTED;
	return false;
}

static int64_t number(const struct guest *guest, int64_t id)
{
	return heal_of(guest)->items[id].id;
}

static int64_t longest_wait_ms(const struct guest *guest)
{
	(void)guest;
	return 1000; /* the right to heal is renewed */
}

static const struct guest_work work = {
	.noun = "row",
	.begin = begin,
	.uncertain = uncertain,
	.read = read_rows,
	.close = close_row,
	.go_on = go_on,
	.number = number,
	.longest_wait_ms = longest_wait_ms,
};

bool audit_note_found(struct audit *audit, const char *stream, struct error *err)
{
	struct buf notes = { 0 };
	bool ok = true;

	for (size_t i = 0; ok && i < audit->suspects.count; i++) {
		const struct audit_suspect *one = &audit->suspects.items[i];
		if (one->found > 0 && one->found < UINT64_MAX)
			add_note(&notes, one->id, one->seq, one->found);
		if (i % CHUNK == CHUNK - 1 || i + 1 == audit->suspects.count)
			ok = note(audit->writer, audit->options->relay->table, stream, &notes, err);
	}
	buf_finish(&notes);
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
	return guest_init(&heal->guest, &work, &relay, options->stop, clock_wall_ms(), err) &&
		relay_run_outbox(
			options->config, &relay, &heal->guest.base, NULL, options->stop, err);
}

bool audit_heal(struct audit *audit, const char *stream, int64_t *healed, struct error *err)
{
	struct heal heal = { .audit = audit, .stream = stream };
	bool ok = true;

	list_lost(&heal, &audit->suspects);
	if (heal.count > 0)
		ok = run(&heal, err);
	*healed = 0;
	for (size_t i = 0; i < heal.count; i++)
		*healed += heal.items[i].healed;
	buf_finish(&heal.notes);
	free(heal.items);
	return ok;
}
