/*
 * Reading an outbox in PostgreSQL: one statement in binary, and the gaps between the ids it brings.
 */
#include "relay/outbox_postgres.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "base/hash.h"
#include "base/memory.h"

#define UUID_TEXT     36
#define EPOCH_1970_US INT64_C(946684800000000) /* PostgreSQL counts from 2000 */

enum column {
	COLUMN_SOURCE,
	COLUMN_ID,
	COLUMN_EVENT_ID,
	COLUMN_SUBJECT,
	COLUMN_KEY,
	COLUMN_ATTEMPTS,
	COLUMN_CREATED_AT,
	COLUMN_AVAILABLE_AT,
	COLUMN_RETRY_AT,
	COLUMN_AT,
	COLUMN_HEADERS,
	COLUMN_PAYLOAD,
	COLUMN_SIZE,
};

static bool ask_holders(struct outbox *outbox, struct error *err)
{
	struct outbox_pg *pg = pg_of(outbox);
	struct postgres_call call = { .sql = "holders", .prepared = true };
	PGresult *result;

	postgres_add_text(&call, pg->oid);
	if (!postgres_call(connection_of(outbox), &call, &result, err))
		return false;
	size_t count = (size_t)PQntuples(result);
	uint64_t *holders = memory_new(count * sizeof(*holders));
	for (size_t i = 0; i < count; i++)
		holders[i] = hash_slice(slice_of(PQgetvalue(result, (int)i, 0)));
	gaps_holders(&pg->gaps, holders, count);
	free(holders);
	PQclear(result);
	return true;
}

static void add_number(struct outbox_pg_question *question, int64_t number)
{
	char *text = question->text[question->numbers++];

	snprintf(text, sizeof(question->text[0]), "%" PRId64, number);
	postgres_add_text(&question->call, text);
}

static void put_ranges(struct outbox_pg *pg)
{
	postgres_array_begin(&pg->low, POSTGRES_INT8);
	postgres_array_begin(&pg->high, POSTGRES_INT8);
	for (size_t i = 0; i < pg->gaps.count; i++) {
		postgres_array_add_int8(&pg->low, pg->gaps.ranges[i].low);
		postgres_array_add_int8(&pg->high, pg->gaps.ranges[i].high);
	}
	postgres_array_end(&pg->low, pg->gaps.count);
	postgres_array_end(&pg->high, pg->gaps.count);
}

/* What each of the rows may have of the bytes. */
static int64_t share_of(const struct read_plan *plan)
{
	return plan->bytes / (int64_t)plan->limit;
}

/* What is asked besides depends on what is settled, or on a statement before it. */
bool outbox_pg_is_usual(const struct outbox_pg *pg, const struct read_plan *plan)
{
	return !plan->sweep && !plan->due && !pg->large && pg->gaps.count == 0;
}

static void ask_everything(
	struct outbox *outbox, const struct read_plan *plan, struct outbox_pg_question *question)
{
	struct outbox_pg *pg = pg_of(outbox);
	struct postgres_call *call = &question->call;
	bool sweep = plan->sweep && outbox->sweep_at != OUTBOX_NO_SWEEP;

	call->sql = "read";
	put_ranges(pg);
	postgres_add_binary(call, pg->low.data, pg->low.size);
	postgres_add_binary(call, pg->high.data, pg->high.size);
	add_number(question, sweep ? outbox->sweep_at : 0);
	add_number(question, outbox->cursor);
	add_number(question, sweep ? (int64_t)plan->limit : 0);
	add_number(question, plan->ahead_ms);
	add_number(question, plan->due ? (int64_t)plan->limit : 0);
	add_number(question, outbox_longest_delay_ms(outbox));
}

void outbox_pg_ask(
	struct outbox *outbox, const struct read_plan *plan, struct outbox_pg_question *question)
{
	bool usual = outbox_pg_is_usual(pg_of(outbox), plan);

	question->call =
		(struct postgres_call){ .sql = "new", .prepared = true, .binary_result = true };
	question->numbers = 0;
	add_number(question, outbox->cursor);
	add_number(question, (int64_t)plan->limit);
	add_number(question, usual ? share_of(plan) : plan->bytes);
	if (!usual)
		ask_everything(outbox, plan, question);
}

static int64_t int8_at(const PGresult *result, int row, enum column column)
{
	uint64_t value;

	memcpy(&value, PQgetvalue(result, row, column), sizeof(value));
	return (int64_t)be64toh(value);
}

static int32_t int4_at(const PGresult *result, int row, enum column column)
{
	uint32_t value;

	memcpy(&value, PQgetvalue(result, row, column), sizeof(value));
	return (int32_t)be32toh(value);
}

static void format_uuid(const unsigned char *bytes, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*text++ = '-';
		*text++ = digits[bytes[i] >> 4];
		*text++ = digits[bytes[i] & 15];
	}
}

/* How long until the row is due, in milliseconds rounded up; 0: now. As the statement has it. */
static int64_t wait_of(const PGresult *result, int row, int64_t longest_ms, bool *failed)
{
	int64_t at = int8_at(result, row, COLUMN_AT), due = at, retry = at;

	if (int8_at(result, row, COLUMN_AVAILABLE_AT) > int8_at(result, row, COLUMN_CREATED_AT))
		due = int8_at(result, row, COLUMN_AVAILABLE_AT);
	if (!PQgetisnull(result, row, COLUMN_RETRY_AT))
		retry = int8_at(result, row, COLUMN_RETRY_AT);
	*failed = retry > at && retry <= at + longest_ms * 1000;
	if (*failed && retry > due)
		due = retry;
	return due > at ? (due - at + 999) / 1000 : 0;
}

static void read_row(
	const PGresult *result, int i, struct row *row, int64_t longest_ms, char *id_text)
{
	row->source = (enum row_source)int4_at(result, i, COLUMN_SOURCE);
	row->id = int8_at(result, i, COLUMN_ID);
	row->attempts = int4_at(result, i, COLUMN_ATTEMPTS);
	row->put_back = row->attempts == 0 && !PQgetisnull(result, i, COLUMN_RETRY_AT);
	row->created_ms = (int8_at(result, i, COLUMN_CREATED_AT) + EPOCH_1970_US) / 1000;
	row->wait_ms = wait_of(result, i, longest_ms, &row->failed);
	format_uuid((const unsigned char *)PQgetvalue(result, i, COLUMN_EVENT_ID), id_text);
	row->event.id = (struct slice){ id_text, UUID_TEXT };
	row->event.subject = postgres_slice(result, i, COLUMN_SUBJECT);
	row->event.key = postgres_slice(result, i, COLUMN_KEY);
	if (row->wait_ms > 0)
		return;
	row->event.headers = postgres_slice(result, i, COLUMN_HEADERS);
	row->event.payload = postgres_slice(result, i, COLUMN_PAYLOAD);
	if (row->event.headers.data) { /* jsonb's binary form: a version byte, then the text */
		row->event.headers.data++;
		row->event.headers.size--;
	}
}

static struct batch *make_batch(const PGresult *result, int64_t longest_ms)
{
	int count = PQntuples(result);
	struct batch *batch = batch_create((size_t)count);
	char id_text[UUID_TEXT];

	for (int i = 0; i < count; i++) {
		struct row row = { 0 };
		read_row(result, i, &row, longest_ms, id_text);
		batch_add(batch, &row);
	}
	return batch;
}

/* Whether a question may have had more to say than its limits let through; tells its last id. */
static bool cut(const PGresult *result, const struct batch *batch, const struct read_plan *plan,
	enum row_source source)
{
	size_t rows = 0;
	int64_t bytes = 0;

	for (size_t i = 0; i < batch->count; i++)
		if (batch->rows[i]->source == source) {
			rows++;
			bytes += int4_at(result, (int)i, COLUMN_SIZE);
		}
	return rows >= plan->limit || (rows > 0 && bytes >= plan->bytes);
}

/* They come in the order of their times: where one has to wait, so has whatever was cut off. */
static bool more_due(const PGresult *result, const struct batch *batch,
	const struct read_plan *plan, enum row_source source)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->rows[i]->source == source && batch->rows[i]->wait_ms > 0)
			return false;
	return cut(result, batch, plan, source);
}

static bool is_not_new(const struct row *row, const void *context)
{
	(void)context;
	return row->source != ROW_NEW;
}

static void note_late(struct outbox_pg *pg, const struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->rows[i]->source == ROW_GAP)
			pg->base.late += gaps_fill(&pg->gaps, batch->rows[i]->id);
}

/* New rows come in id order: what is missing between them are gaps. */
static void note_gaps(struct outbox_pg *pg, const struct batch *batch)
{
	int64_t last = pg->base.cursor;

	for (size_t i = 0; i < batch->count; i++) {
		const struct row *row = batch->rows[i];
		if (row->source != ROW_NEW)
			continue;
		if (row->id > last + 1)
			gaps_add(&pg->gaps, last + 1, row->id - 1);
		last = row->id;
	}
}

static bool has_large(const PGresult *result, int64_t share)
{
	for (int i = 0; i < PQntuples(result); i++)
		if (int4_at(result, i, COLUMN_SIZE) > share)
			return true;
	return false;
}

struct batch *outbox_pg_take(struct outbox *outbox, const struct read_plan *plan, PGresult *result)
{
	struct outbox_pg *pg = pg_of(outbox);
	bool usual = outbox_pg_is_usual(pg, plan);

	pg->large = has_large(result, share_of(plan));
	if (usual && pg->large) { /* its payload was left out */
		PQclear(result);
		return NULL;
	}
	struct batch *batch = make_batch(result, outbox_longest_delay_ms(outbox));
	/* Rows of a gap that did not fit are missing in this snapshot: nothing above may go ahead of them. */
	bool gaps_cut = cut(result, batch, plan, ROW_GAP);
	batch->caught_up = !gaps_cut && !cut(result, batch, plan, ROW_NEW);
	batch->sweep_done = !cut(result, batch, plan, ROW_SWEEP);
	batch->more_due = more_due(result, batch, plan, ROW_RETRY) ||
		more_due(result, batch, plan, ROW_SCHEDULED);
	PQclear(result);
	note_late(pg, batch);
	if (gaps_cut)
		batch_filter(batch, is_not_new, NULL);
	else
		gaps_looked(&pg->gaps);
	note_gaps(pg, batch);
	outbox->gaps = pg->gaps.count;
	outbox->gaps_overflowed = pg->gaps.overflowed;
	pg->found = batch->count > 0;
	if (pg->found)
		pg->pause_ms = OUTBOX_PG_PAUSE_MIN_MS;
	return batch;
}

bool outbox_pg_read(struct outbox *outbox, const struct read_plan *plan, struct batch **batch,
	struct error *err)
{
	struct outbox_pg *pg = pg_of(outbox);
	struct outbox_pg_question question;
	PGresult *result;

	*batch = NULL;
	if (pg->found && !outbox_pg_wake(outbox, err))
		return false;
	if (pg->gaps.count > 0 && !ask_holders(outbox, err))
		return false;
	failpoint("relay.before_read");
	while (!*batch) { /* twice where there is a large payload */
		outbox_pg_ask(outbox, plan, &question);
		if (!postgres_call(connection_of(outbox), &question.call, &result, err))
			return false;
		*batch = outbox_pg_take(outbox, plan, result);
	}
	return true;
}
