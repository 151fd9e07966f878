/* What several commands do: open, connect, migrate a table, make a stream, print JSON. */
#include "cmd_common.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/base64.h"
#include "config_secret.h"
#include "event.h"
#include "nats/stream.h"

bool cmd_check_database(const char *url, enum db_kind *kind, struct error *err)
{
	struct buf shown = { 0 };
	enum db_kind unused;

	if (db_check_url(url, kind ? kind : &unused, err))
		return true;
	buf_add_text(&shown, "");
	config_hide_secrets(url, &shown);
	error_prefix(err, "\"%.200s\"", shown.data);
	buf_finish(&shown);
	return false;
}

static struct db *open_database(const char *url, bool create, struct stop *stop, struct error *err)
{
	struct db *db = db_create(url, "dray", stop, err);

	if (db && !db_open(db, create, err)) {
		db_destroy(db);
		return NULL;
	}
	return db;
}

struct db *cmd_open(const char *url, bool create, struct error *err)
{
	return open_database(url, create, NULL, err);
}

struct db *cmd_open_until(const char *url, struct stop *stop, struct error *err)
{
	return open_database(url, false, stop, err);
}

struct link *cmd_connect(const struct config *config, struct error *err)
{
	struct link *link = link_create(&config->nats, "dray", NULL);

	if (link_connect(link, err))
		return link;
	link_destroy(link);
	return NULL;
}

bool cmd_migrate_table(const char *url, enum migrate_target target, const char *table,
	struct migrate_report *report, struct error *err)
{
	struct db *db = cmd_open(url, true, err);
	bool ok = db && migrate_apply(db, target, table, report, err);

	db_destroy(db);
	return ok;
}

bool cmd_make_stream(
	struct link *link, const struct config_stream *stream, bool *made, struct error *err)
{
	struct stream_info info;
	bool missing;

	*made = false;
	if (stream_get_info(link, stream->name, &info, &missing, err)) {
		stream_info_finish(&info);
		return true;
	}
	if (!missing)
		return false;
	*made = stream_make(link, stream, err);
	return *made;
}

bool cmd_set_start(
	struct config_sink *sink, const char *option, const char *text, struct error *err)
{
	return config_set(sink, "sink", "start", text, NULL) ||
		error_set(err, ERROR_USAGE,
			"%s: \"%.80s\" is no place in a stream; it is all, new, seq:N (1 and more) or "
			"time:2026-01-01T00:00:00Z",
			option, text);
}

void cmd_print_json(json_t *value)
{
	json_dumpf(value, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(value);
}

json_t *cmd_json_text(const char *text)
{
	json_t *value = text ? json_string(text) : NULL;

	return value ? value : json_null();
}

json_t *cmd_json_slice(struct slice text)
{
	json_t *value = text.data ? json_stringn(text.data, text.size) : NULL;

	return value ? value : json_null();
}

void cmd_json_payload(json_t *object, struct slice payload)
{
	json_t *value = json_stringn(payload.data, payload.size);
	struct buf text = { 0 };

	if (value) {
		json_object_set_new(object, "payload", value);
		return;
	}
	base64_encode(payload, &text);
	json_object_set_new(object, "payload_base64", json_stringn(text.data, text.size));
	buf_finish(&text);
}

/* A control character of Latin 1, which some terminals obey in UTF-8, too. */
static bool is_c1(struct slice text, size_t i)
{
	const unsigned char *c = (const unsigned char *)text.data + i;

	return i + 1 < text.size && c[0] == 0xc2 && c[1] < 0xa0;
}

void cmd_add_escaped(struct buf *line, struct slice text)
{
	bool utf8 = event_is_utf8(text);

	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.data[i];
		if (is_c1(text, i) && utf8) {
			buf_format(line, "\\u%04x", (unsigned char)text.data[++i]);
		} else if (c == '\\') {
			buf_add_text(line, "\\\\");
		} else if (c < ' ' || c == 127 || (c > 127 && !utf8)) {
			if (c == '\n')
				buf_add_text(line, "\\n");
			else
				buf_format(line, "\\x%02x", c);
		} else {
			buf_add_char(line, (char)c);
		}
	}
}

void cmd_format_age(int64_t ms, char text[CMD_AGE])
{
	if (ms < 1000)
		snprintf(text, CMD_AGE, "%" PRId64 "ms", ms);
	else if (ms < 60000)
		snprintf(text, CMD_AGE, "%.1fs", (double)ms / 1000);
	else if (ms < 3600000)
		snprintf(text, CMD_AGE, "%" PRId64 "m", ms / 60000);
	else if (ms < (int64_t)48 * 3600000)
		snprintf(text, CMD_AGE, "%" PRId64 "h", ms / 3600000);
	else
		snprintf(text, CMD_AGE, "%" PRId64 "d", ms / 86400000);
}
