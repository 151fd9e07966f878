/* Settling in PostgreSQL: hundreds of rows a statement, in binary arrays, on the condition of the lease. */
#include "relay/outbox_postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

static void put_uuid(struct buf *array, struct slice text)
{
	unsigned char bytes[16] = { 0 };
	size_t nibbles = 0;

	for (size_t i = 0; i < text.size && nibbles < 32; i++) {
		char c = text.data[i];
		if (c == '-')
			continue;
		unsigned value = (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
		bytes[nibbles / 2] |= (unsigned char)(nibbles % 2 ? value : value << 4);
		nibbles++;
	}
	postgres_array_add(array, bytes, sizeof(bytes));
}

static void put_verdicts(struct outbox_pg *pg, const struct verdict *const *verdicts, size_t count)
{
	postgres_array_begin(&pg->ids, POSTGRES_INT8);
	postgres_array_begin(&pg->event_ids, POSTGRES_UUID);
	postgres_array_begin(&pg->numbers, POSTGRES_INT8);
	postgres_array_begin(&pg->texts, POSTGRES_TEXT);
	for (size_t i = 0; i < count; i++) {
		const struct verdict *v = verdicts[i];
		bool delivered = v->outcome == OUTCOME_DELIVERED;
		postgres_array_add_int8(&pg->ids, v->id);
		put_uuid(&pg->event_ids, v->row->event.id);
		postgres_array_add_int8(&pg->numbers,
			delivered			     ? (int64_t)v->seq
				: v->outcome == OUTCOME_DEAD ? -1
							     : v->delay_ms);
		if (!delivered)
			postgres_array_add(&pg->texts, v->error, strlen(v->error));
	}
	postgres_array_end(&pg->ids, count);
	postgres_array_end(&pg->event_ids, count);
	postgres_array_end(&pg->numbers, count);
	postgres_array_end(&pg->texts, count);
}

/*
 * The read is sent first, so that its rows are taken in while the server settles. One that fails here, or meets a large
 * payload, is left to the next outbox_read, which says why.
 */
static bool settle_and_read(struct outbox *outbox, const struct postgres_call *settling,
	PGresult **result, struct error *err)
{
	struct postgres *postgres = connection_of(outbox);
	struct outbox_pg_question question;
	const struct postgres_call *calls[] = { &question.call, settling };
	const struct read_plan *plan = &outbox->beside->plan;
	struct batch *batch = NULL;
	struct error unread = { 0 };
	PGresult *rows;

	outbox_pg_ask(outbox, plan, &question);
	if (!postgres_send(postgres, calls, 2, err))
		return false;
	if (postgres_next(postgres, &rows, &unread))
		batch = outbox_pg_take(outbox, plan, rows);
	else if (!postgres_is_open(postgres))
		return error_set(err, unread.kind, "%s", unread.text);
	if (batch)
		outbox_read_beside(outbox, batch);
	return postgres_next(postgres, result, err);
}

static bool run_settling(struct outbox *outbox, const struct postgres_call *settling,
	PGresult **result, struct error *err)
{
	if (outbox->beside && outbox_pg_is_usual(pg_of(outbox), &outbox->beside->plan))
		return settle_and_read(outbox, settling, result, err);
	return postgres_call(connection_of(outbox), settling, result, err);
}

bool outbox_pg_settle(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
	const struct position *position, size_t *changed, struct error *err)
{
	struct outbox_pg *pg = pg_of(outbox);
	struct lease *lease = &outbox->lease;
	struct postgres_call call = { .sql = position ? "settle" : "fail", .prepared = true };
	char epoch[24], length[24], seq[24], marked[24], renewals[24];
	PGresult *result;

	if (!outbox_pg_wake(outbox, err))
		return false;
	snprintf(epoch, sizeof(epoch), "%" PRId64, lease->epoch);
	snprintf(length, sizeof(length), "%" PRId64, lease->length_ms);
	postgres_add_text(&call, lease->resource);
	postgres_add_text(&call, lease->holder);
	postgres_add_text(&call, epoch);
	postgres_add_text(&call, length);
	if (position) {
		snprintf(seq, sizeof(seq), "%" PRIu64, position->seq);
		postgres_add_text(&call, position->stream);
		postgres_add_text(&call, position->created);
		postgres_add_text(&call, seq);
	}
	put_verdicts(pg, verdicts, count);
	postgres_add_binary(&call, pg->ids.data, pg->ids.size);
	postgres_add_binary(&call, pg->event_ids.data, pg->event_ids.size);
	postgres_add_binary(&call, pg->numbers.data, pg->numbers.size);
	if (position) {
		snprintf(marked, sizeof(marked), "%" PRIu64, position->marked_seq);
		postgres_add_text(&call, marked);
		postgres_add_text(&call, position->marked_id);
	} else {
		postgres_add_binary(&call, pg->texts.data, pg->texts.size);
	}
	snprintf(renewals, sizeof(renewals), "%" PRId64, lease->renewals);
	postgres_add_text(&call, renewals);
	int64_t sent = clock_now_ms();
	if (!run_settling(outbox, &call, &result, err))
		return false;
	bool held = PQgetvalue(result, 0, 0)[0] == '1';
	*changed = (size_t)atoll(PQgetvalue(result, 0, 1));
	PQclear(result);
	if (!held)
		return lease_lost(outbox->db, lease, err);
	lease_confirm(lease, sent);
	return true;
}
