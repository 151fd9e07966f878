/* Reads a stream's headers; where the consumer is lost, another one goes on behind the last message. */
#include "history/audit_work.h"

#include "base/clock.h"

#define BATCH	    5000
#define BATCH_BYTES ((int64_t)8 * 1024 * 1024)
#define SILENCE_MS  10000
#define KEEP_MS	    100
#define OPEN_MAX    20

static bool open_at(
	struct audit_reader *reader, uint64_t from, const char *from_time, struct error *err)
{
	struct pull_options options = { .stream = reader->stream,
		.start_seq = from,
		.start_time = from == 0 ? from_time : NULL,
		.headers_only = true,
		.batch = BATCH,
		.batch_bytes = BATCH_BYTES };

	pull_destroy(reader->pull);
	reader->opened++;
	reader->pull = pull_create(reader->audit->link, &options, err);
	return reader->pull != NULL;
}

/* A consumer that begins behind the newest message would say nothing. */
static bool is_newer(struct audit_reader *reader, int64_t from_ms, bool *newer, struct error *err)
{
	struct stream_message newest;

	if (!stream_get_message(reader->audit->link, reader->stream, reader->last, &newest, err))
		return false;
	*newer = newest.found && clock_parse(newest.time) >= from_ms;
	stream_message_finish(&newest);
	return true;
}

bool audit_read(struct audit_reader *reader, struct audit *audit, const char *stream, uint64_t from,
	int64_t from_ms, struct error *err)
{
	char time[32];

	*reader = (struct audit_reader){ .audit = audit, .stream = stream };
	if (!stream_newest(audit->link, stream, &reader->last, err))
		return error_prefix(err, "stream %s", stream);
	bool any = from > 0 ? from <= reader->last : true;
	if (from == 0 && reader->last > 0 && !is_newer(reader, from_ms, &any, err))
		return false;
	if (!any || reader->last == 0) {
		reader->at = reader->last;
		return true;
	}
	clock_format(from_ms > 0 ? from_ms : 0, time);
	return open_at(reader, from, time, err) || error_prefix(err, "stream %s", stream);
}

static bool try_next(struct audit_reader *reader, struct error *err)
{
	int64_t end = clock_now_ms() + SILENCE_MS;

	while (clock_now_ms() < end) {
		struct error why = { 0 };
		if (!audit_keep(reader->audit, err))
			return false;
		reader->has = pull_next(reader->pull, KEEP_MS, &reader->message, &why);
		if (reader->has)
			return true;
		if (why.kind == ERROR_CONFLICT && reader->opened < OPEN_MAX && reader->at > 0) {
			if (!open_at(reader, reader->at + 1, NULL, err))
				return false;
		} else if (why.kind != ERROR_NONE) {
			*err = why;
			return false;
		}
	}
	return error_set(err, ERROR_UNAVAILABLE, "stream %s does not say what it holds after %d s",
		reader->stream, SILENCE_MS / 1000);
}

static void drop(struct audit_reader *reader)
{
	if (reader->has)
		pull_release(&reader->message);
	reader->has = false;
}

bool audit_read_next(struct audit_reader *reader, struct error *err)
{
	drop(reader);
	if (reader->at >= reader->last)
		return true;
	if (!try_next(reader, err))
		return false;
	reader->at = reader->message.seq;
	if (reader->at > reader->last) /* it came later */
		drop(reader);
	return true;
}

void audit_read_end(struct audit_reader *reader)
{
	drop(reader);
	pull_destroy(reader->pull);
	reader->pull = NULL;
}
