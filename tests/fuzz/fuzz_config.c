/*
 * A config file, whole. Either every problem has its line, or the config keeps what its settings promise
 * and what is printed of it is a config that prints the same. "#=VALUE" in a comment sets ${V} to VALUE.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"
#include "config_check.h"
#include "db/db.h"
#include "event.h"

#define VALUE_MAX 4096

static char environment[VALUE_MAX + 3];

static void set_environment(struct slice text)
{
	struct slice value = { "", 0 };
	const char *at = text.size ? memmem(text.data, text.size, "#=", 2) : NULL;

	if (at) {
		value = (struct slice){ at + 2, text.size - (size_t)(at + 2 - text.data) };
		fuzz_cut(&value, '\n');
		value.size = strnlen(value.data, value.size < VALUE_MAX ? value.size : VALUE_MAX);
	}
	snprintf(environment, sizeof(environment), "V=%.*s", (int)value.size, value.data);
	putenv(environment);
	unsetenv("NATS_URL");
}

static struct config *load(struct slice text, struct buf *problems, struct error *err)
{
	static int file = -1;
	static char path[32];

	if (file < 0) {
		file = memfd_create("config", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	}
	must(ftruncate(file, 0) == 0);
	must(pwrite(file, text.data, text.size, 0) == (ssize_t)text.size);
	return config_load(path, problems, err);
}

static size_t lines_of(const struct buf *text)
{
	size_t count = 0;

	for (size_t i = 0; i < text->size; i++)
		count += text->data[i] == '\n';
	return count;
}

static void check_refusal(const struct buf *problems, const struct error *err)
{
	size_t lines = lines_of(problems);

	must(err->kind == ERROR_USAGE && err->text[0]);
	must(problems->size > 0 && problems->data[problems->size - 1] == '\n');
	if (lines == 1)
		must(strncmp(problems->data, err->text, problems->size - 1) == 0);
}

static void check_relay(const struct config_relay *relay)
{
	enum db_kind kind;

	must(check_pipeline_name(relay->name, NULL) && db_check_url(relay->database, &kind, NULL));
	must(check_table(relay->table, NULL));
	must(!relay->stream || check_stream_name(relay->stream, NULL));
	must(relay->batch >= 1 && relay->batch <= 10000 && relay->lease_ms >= 1000);
	must(relay->max_in_flight >= 1 && relay->max_in_flight <= 65536);
	must(relay->retry.initial_ms >= 1 && relay->retry.max_ms >= relay->retry.initial_ms);
	must(relay->retry.multiplier >= 1 && relay->retry.multiplier <= 100);
	must(relay->retry.jitter >= 0 && relay->retry.jitter <= 1);
	must(relay->poll_interval_ms >= 10 && relay->line > 0);
}

static bool is_taken(const struct config_sink *sink, size_t subject)
{
	for (size_t i = 0; i < sink->table_count; i++)
		for (size_t k = 0; k < sink->tables[i].subjects.count; k++)
			if (event_pattern_covers(sink->tables[i].subjects.items[k],
				    sink->subjects.items[subject]))
				return true;
	return false;
}

/* No event of the sink is without a table, unless that was asked for; no two share one. */
static void check_tables(const struct config_sink *sink)
{
	size_t count;
	const struct config_table *tables = config_tables(sink, &count);

	for (size_t i = 0; i < count; i++) {
		must(check_table(tables[i].table, NULL));
		must(!sink->table_count || tables[i].subjects.count > 0);
		for (size_t k = 0; k < i; k++)
			must(strcmp(tables[i].table, tables[k].table) != 0);
	}
	for (size_t i = 0; i < sink->subjects.count && sink->table_count; i++)
		must(sink->unmatched != SINK_UNMATCHED_REFUSE || is_taken(sink, i));
}

static void check_sink(const struct config_sink *sink)
{
	enum db_kind kind;

	must(check_pipeline_name(sink->name, NULL) && db_check_url(sink->database, &kind, NULL));
	must(check_stream_name(sink->stream, NULL));
	for (size_t i = 0; i < sink->subjects.count; i++)
		must(check_subject_pattern(sink->subjects.items[i], NULL));
	check_tables(sink);
	must(sink->start != SINK_START_SEQ || sink->start_seq >= 1);
	must(sink->start != SINK_START_TIME || check_time(sink->start_time, NULL));
	must(sink->batch >= 1 && sink->batch <= 10000 && sink->max_wait_ms >= 1 && sink->line > 0);
}

static void check_config(const struct config *config)
{
	must(check_nats_url(config->nats.url, NULL) && config->shutdown_timeout_ms >= 0);
	for (size_t i = 0; i < config->stream_count; i++) {
		must(check_stream_name(config->streams[i].name, NULL));
		must(config->streams[i].subjects.count > 0);
	}
	for (size_t i = 0; i < config->relay_count; i++) {
		check_relay(&config->relays[i]);
		for (size_t j = 0; j < i; j++)
			must(strcmp(config->relays[i].name, config->relays[j].name) != 0);
	}
	for (size_t i = 0; i < config->sink_count; i++) {
		check_sink(&config->sinks[i]);
		for (size_t j = 0; j < i; j++)
			must(strcmp(config->sinks[i].name, config->sinks[j].name) != 0);
	}
}

/*
 * Of what is no UTF-8 (from the environment) no YAML can be made; a ${ would be replaced again. What is left
 * of a URL without its secrets may be another one.
 */
static void print_and_load(const struct config *config)
{
	struct buf first = { 0 }, second = { 0 }, problems = { 0 };
	struct error err;

	config_print(config, &first);
	struct slice text = { first.data, first.size };
	if (fuzz_is_utf8(text) && !strstr(first.data, "${") && first.size < 1 << 20) {
		struct config *again = load(text, &problems, &err);
		must_of(text, again);
		config_print(again, &second);
		must_of(text, strstr(first.data, "***") || strcmp(first.data, second.data) == 0);
		config_destroy(again);
	}
	buf_finish(&first);
	buf_finish(&second);
	buf_finish(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct buf problems = { 0 };
	struct error err = { 0 };

	set_environment(text);
	struct config *config = load(text, &problems, &err);
	if (config) {
		must(problems.size == 0);
		check_config(config);
		print_and_load(config);
	} else {
		check_refusal(&problems, &err);
	}
	config_destroy(config);
	buf_finish(&problems);
	return 0;
}
