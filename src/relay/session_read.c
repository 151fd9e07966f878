/* Rows that were read: known ones are passed over, stored ones settled, the others offered to the order. */
#include "relay/session.h"

#include <stdlib.h>

#include "base/clock.h"

#define SWEEP_SOON_MS 1000

bool session_settle_stored(
	struct session *s, struct row *row, bool in_turn, bool *dealt, struct error *err)
{
	const struct stored_message *found = stored_find(&s->stored, row->event.id);
	bool same = true;

	*dealt = false;
	if (!found)
		return true;
	const struct stored_message at = *found;
	const char *stream = s->streams.items[at.stream].position.stream;
	/* A row that is not due has no payload here; the id must do. */
	if (row->wait_ms == 0 && !stored_is_same(s->link, stream, at.seq, &row->event, &same, err))
		return false;
	if (!same && !in_turn) { /* the next session must still find it */
		s->streams.items[at.stream].unsure_until = INT64_MAX;
		return true;
	}
	*dealt = true;
	stored_forget(&s->stored, row->event.id);
	if (same)
		session_deliver(s, row, at.stream, at.seq);
	else
		session_fail(s, row, true, "its event_id was used before for another event");
	return true;
}

static void leave_out(struct session *s, const struct row *row)
{
	map_remove(&s->rows, (uint64_t)row->id);
	s->row_bytes -= row_size(row);
}

void session_forget(struct session *s, struct row *row)
{
	leave_out(s, row);
	row_release(row);
}

static bool offer_row(struct session *s, struct row *row, struct error *err)
{
	struct row *known = map_get_pointer(&s->rows, (uint64_t)row->id);
	bool dealt;

	if (known) {
		order_saw(&s->order, known, row->source);
		row_release(row);
		return true;
	}
	if (row->wait_ms > 0)
		feed_due(s->feed, row->wait_ms);
	map_put(&s->rows, (uint64_t)row->id, (uintptr_t)row);
	s->row_bytes += row_size(row);
	if (row->id > s->highest)
		s->highest = row->id;
	if (!session_settle_stored(s, row, false, &dealt, err))
		return false;
	if (dealt || order_add(&s->order, row))
		return true;
	session_forget(s, row);
	return true;
}

/*
 * What counts is what was read: time also passes while a sweep waits for room, or for a busy machine. And a sweep
 * for the rows behind a key is no net.
 */
static void end_sweep(struct session *s)
{
	int64_t pause = s->swept_rows * SESSION_SWEEP_ROW_MS;

	if (s->order.full)
		s->next_sweep_ms = clock_now_ms() +
			(pause > SESSION_SWEEP_EVERY_MS ? pause : SESSION_SWEEP_EVERY_MS);
	order_sweep_end(&s->order);
}

static bool offer_batch(struct session *s, struct batch *batch, struct error *err)
{
	bool ours = s->order.sweeping && batch->pass == s->order.pass;
	bool ends = ours && batch->sweep_done, ok = true;

	for (size_t i = 0; ok && i < batch->count; i++) {
		struct row *row = batch_take(batch, i);
		if (ends && row->id > batch->sweep_end) {
			end_sweep(s);
			ends = false;
		}
		if (row->source == ROW_SWEEP && !ours)
			row->source = ROW_GAP;
		s->swept_rows += row->source == ROW_SWEEP;
		ok = offer_row(s, row, err);
	}
	if (ok && batch->caught_up && !s->scanned) {
		s->scanned = true;
		session_name_unknown(s);
	}
	batch_destroy(batch);
	if (ok && ends)
		end_sweep(s);
	return ok;
}

/* A row that failed is known until that is settled: only then it is a new one when it is read again. */
static void forget_settled(struct session *s, struct feed_news *news, size_t *from, size_t to)
{
	struct row *forgotten = NULL;

	for (; *from < to; (*from)++) {
		struct row *row = news->settled[*from];
		if (row->given_up) {
			s->giving_up--;
			order_done(&s->order, row);
		}
		leave_out(s, row);
		row->next = forgotten;
		forgotten = row;
	}
	if (forgotten)
		feed_return(s->feed, forgotten);
}

bool session_take_rows(struct session *s, struct error *err)
{
	struct feed_news news;
	struct batch *next;
	size_t forgotten = 0;
	bool ok = true;

	feed_take(s->feed, &news);
	for (struct batch *batch = news.batches; batch; batch = next) {
		next = batch->next;
		forget_settled(s, &news, &forgotten, batch->settled_before);
		if (ok)
			ok = offer_batch(s, batch, err);
		else
			batch_destroy(batch);
	}
	forget_settled(s, &news, &forgotten, news.settled_count);
	free(news.settled);
	s->work_until_ms = news.work_until_ms;
	s->paused = news.paused;
	s->settled_any = s->settled_any || news.progress;
	if ((news.missed > 0 || news.needs_sweeps) &&
		s->next_sweep_ms > clock_now_ms() + SWEEP_SOON_MS)
		s->next_sweep_ms = clock_now_ms() + SWEEP_SOON_MS;
	if (news.failed && ok)
		*err = news.err;
	return ok && !news.failed;
}
