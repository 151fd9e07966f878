/* The file of a replay: JSON, written beside and renamed, so that it is always whole. */
#include "history/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"

#define VERSION 1

void run_init(struct run *run)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm parts;
	char time[20], random[9];

	*run = (struct run){ .lock = -1,
		.began_ms = clock_wall_ms(),
		.until = INT64_MAX,
		.at = INT64_MIN,
		.ahead = INT64_MIN };
	source_filter_init(&run->filter);
	strftime(time, sizeof(time), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &parts));
	hash_random_hex(random, 2);
	snprintf(run->name, sizeof(run->name), "%s-%s", time, random);
}

void run_finish(struct run *run)
{
	if (run->lock >= 0)
		close(run->lock);
	free(run->file);
	free(run->relay);
	free(run->database);
	free(run->place);
	free(run->table);
	free(run->to);
	free(run->stream);
	free(run->streams);
	source_filter_finish(&run->filter);
	*run = (struct run){ .lock = -1 };
}

struct run_stream *run_stream(struct run *run, const char *name, const char *created)
{
	for (size_t i = 0; i < run->stream_count; i++)
		if (strcmp(run->streams[i].name, name) == 0 &&
			strcmp(run->streams[i].created, created) == 0)
			return &run->streams[i];
	run->streams = memory_grow(run->streams, (run->stream_count + 1) * sizeof(*run->streams));
	struct run_stream *stream = &run->streams[run->stream_count++];
	*stream = (struct run_stream){ 0 };
	snprintf(stream->name, sizeof(stream->name), "%s", name);
	snprintf(stream->created, sizeof(stream->created), "%s", created);
	return stream;
}

/* Every field of the file, for reading and for writing alike. */
struct field {
	const char *name;
	char **text; /* one of the two */
	int64_t *number;
};

#define FIELDS 22

static void fields_of(struct run *run, struct field fields[FIELDS])
{
	struct source_filter *filter = &run->filter;
	const struct field all[FIELDS] = { { "relay", &run->relay, NULL },
		{ "database", &run->database, NULL }, { "place", &run->place, NULL },
		{ "table", &run->table, NULL }, { "since", &filter->since, NULL },
		{ "before", &filter->before, NULL }, { "subject", &filter->subject, NULL },
		{ "key", &filter->key, NULL }, { "which", &filter->which, NULL },
		{ "to", &run->to, NULL }, { "stream", &run->stream, NULL },
		{ "low", NULL, &filter->low }, { "high", NULL, &filter->high },
		{ "rate", NULL, &run->rate }, { "began_ms", NULL, &run->began_ms },
		{ "until", NULL, &run->until }, { "at", NULL, &run->at },
		{ "ahead", NULL, &run->ahead }, { "total", NULL, &run->total },
		{ "done", NULL, &run->done }, { "refused", NULL, &run->refused } };

	memcpy(fields, all, sizeof(all));
}

static json_t *write_streams(const struct run *run)
{
	json_t *list = json_array();

	for (size_t i = 0; i < run->stream_count; i++)
		if (run->streams[i].seq > 0)
			json_array_append_new(list,
				json_pack("{ss ss sI}", "stream", run->streams[i].name, "created",
					run->streams[i].created, "seq",
					(json_int_t)run->streams[i].seq));
	return list;
}

static json_t *to_json(struct run *run)
{
	struct field fields[FIELDS];
	json_t *object = json_pack(
		"{si ss si}", "dray_replay", VERSION, "run", run->name, "kind", (int)run->kind);

	fields_of(run, fields);
	for (const struct field *field = fields; field->name; field++)
		if (field->number)
			json_object_set_new(object, field->name, json_integer(*field->number));
		else if (*field->text)
			json_object_set_new(object, field->name, json_string(*field->text));
	json_object_set_new(object, "streams", write_streams(run));
	return object;
}

static void from_json(struct run *run, const json_t *object)
{
	struct field fields[FIELDS];
	const json_t *item, *list = json_object_get(object, "streams");
	size_t i;

	snprintf(run->name, sizeof(run->name), "%s",
		json_string_value(json_object_get(object, "run")));
	run->kind = json_integer_value(json_object_get(object, "kind")) ? SOURCE_ARCHIVE
									: SOURCE_OUTBOX;
	fields_of(run, fields);
	for (const struct field *field = fields; field->name; field++) {
		const json_t *value = json_object_get(object, field->name);
		if (field->number && json_is_integer(value))
			*field->number = json_integer_value(value);
		else if (field->text)
			*field->text = memory_text(json_string_value(value));
	}
	json_array_foreach(list, i, item)
	{
		const char *name = json_string_value(json_object_get(item, "stream"));
		const char *created = json_string_value(json_object_get(item, "created"));
		if (name && created)
			run_stream(run, name, created)->seq =
				(uint64_t)json_integer_value(json_object_get(item, "seq"));
	}
}

static bool is_run(const json_t *object)
{
	return json_integer_value(json_object_get(object, "dray_replay")) == VERSION &&
		json_is_string(json_object_get(object, "run")) &&
		json_is_string(json_object_get(object, "table")) &&
		json_is_string(json_object_get(object, "to"));
}

/* The file may be replaced between its opening and its locking. */
static bool is_at(const char *file, int fd)
{
	struct stat opened, there;

	return fstat(fd, &opened) == 0 && stat(file, &there) == 0 &&
		opened.st_ino == there.st_ino && opened.st_dev == there.st_dev;
}

static bool lock(struct run *run, const char *file, struct error *err)
{
	run->lock = open(file, O_RDWR | O_CLOEXEC);
	if (run->lock < 0)
		return error_set(err, ERROR_USAGE, "%s: cannot be read: %s", file, strerror(errno));
	if (flock(run->lock, LOCK_EX | LOCK_NB) == 0 && is_at(file, run->lock))
		return true;
	return error_set(err, ERROR_CONFLICT, "%s: another process works on this replay", file);
}

bool run_load(struct run *run, const char *file, struct error *err)
{
	json_error_t why;

	run_init(run);
	run->file = memory_text(file);
	if (!lock(run, file, err))
		return false;
	json_t *object = json_load_file(file, 0, &why);
	bool ok = is_run(object);
	if (ok)
		from_json(run, object);
	json_decref(object);
	return ok || error_set(err, ERROR_USAGE, "%s: not the file of a replay", file);
}

/* Closing would unlock what is under the name until the new one is there. */
static void replace_lock(struct run *run, int fd)
{
	if (run->lock >= 0)
		close(run->lock);
	run->lock = fd;
}

static bool write_beside(struct run *run, const char *beside, int *fd)
{
	json_t *object = to_json(run);

	*fd = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = *fd >= 0 && flock(*fd, LOCK_EX | LOCK_NB) == 0 &&
		json_dumpfd(object, *fd, JSON_INDENT(1)) == 0 && fdatasync(*fd) == 0;
	json_decref(object);
	return ok;
}

bool run_save(struct run *run, struct error *err)
{
	char *beside = memory_format("%s.new", run->file);
	int fd;

	bool ok = write_beside(run, beside, &fd) && rename(beside, run->file) == 0;
	if (!ok)
		error_set(err, ERROR_UNAVAILABLE, "%s: cannot be written: %s", run->file,
			strerror(errno));
	if (ok)
		replace_lock(run, fd);
	else if (fd >= 0)
		close(fd);
	free(beside);
	return ok;
}

void run_remove(struct run *run)
{
	unlink(run->file);
}
