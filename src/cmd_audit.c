/* dray audit: does the stream hold what the table says? */
#include "cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/findings.h"
#include "cmd_common.h"
#include "cmd_history.h"
#include "history/audit.h"

#define RANGES 20 /* of missing rows, in text */

struct work {
	const struct cli *cli;
	const struct config_relay *relay; /* that is audited now */
	bool headed;
	int64_t began_ms;
	int64_t ranges, from, to; /* of missing ids: how many were printed, the one that grows */
};

static void print_range(struct work *work)
{
	if (work->to < work->from)
		return;
	if (++work->ranges == RANGES + 1)
		printf("  ... (--json tells every id)\n");
	else if (work->ranges <= RANGES && work->from == work->to)
		printf("  missing: row %" PRId64 "\n", work->from);
	else if (work->ranges <= RANGES)
		printf("  missing: rows %" PRId64 " to %" PRId64 "\n", work->from, work->to);
	work->from = 1;
	work->to = 0;
}

static void on_row(void *context, const struct audit_row *row)
{
	struct work *work = context;

	if (work->cli->json) {
		cmd_print_json(json_pack("{so so ss sI so sI}", "relay",
			cmd_json_text(work->relay->name), "stream", cmd_json_text(row->stream),
			"class", audit_class_names[row->class], "id", (json_int_t)row->id,
			"event_id", cmd_json_text(row->event_id), "seq", (json_int_t)row->seq));
		return;
	}
	if (row->class != AUDIT_MISSING)
		return;
	if (work->to >= work->from && row->id == work->to + 1) {
		work->to++;
		return;
	}
	print_range(work);
	work->from = work->to = row->id;
}

static void on_progress(void *context, int64_t done, int64_t total)
{
	struct work *work = context;
	static int64_t next_ms;

	if (clock_now_ms() < next_ms)
		return;
	next_ms = clock_now_ms() + 250;
	cmd_progress("compared", done, total, work->began_ms, 0);
}

static void print_json(const struct work *work, const struct audit_result *result)
{
	json_t *line = json_pack("{so so sI}", "relay", cmd_json_text(work->relay->name), "stream",
		cmd_json_text(result->stream), "rows", (json_int_t)result->rows);

	for (int class = 0; class < AUDIT_CLASSES; class ++)
		json_object_set_new(
			line, audit_class_names[class], json_integer(result->counts[class]));
	json_object_set_new(line, "moved", json_integer(result->moved));
	json_object_set_new(line, "healed", json_integer(result->healed));
	cmd_print_json(line);
}

static void print_notes(const struct audit_result *result)
{
	if (result->moved)
		printf("  %" PRId64 " of those present stand elsewhere than their rows say\n",
			result->moved);
	if (result->counts[AUDIT_EXPIRED] && result->endless)
		printf("  the stream has no limits: what expired was purged, or its beginning was "
		       "lost\n");
	if (result->counts[AUDIT_UNMARKED])
		printf("  unmarked rows are stored: their relay marks them when it looks them up\n");
}

static void on_result(void *context, const struct audit_result *result)
{
	struct work *work = context;
	const int64_t *counts = result->counts;

	if (work->cli->json) {
		print_json(work, result);
		return;
	}
	print_range(work);
	if (!work->headed)
		printf("%-16s %-16s %10s %10s %10s %10s %10s %10s %10s\n", "RELAY", "STREAM",
			"ROWS", "PRESENT", "EXPIRED", "FORMER", "MISSING", "HEALED", "UNMARKED");
	work->headed = true;
	printf("%-16s %-16s %10" PRId64 " %10" PRId64 " %10" PRId64 " %10" PRId64 " %10" PRId64
	       " %10" PRId64 " %10" PRId64 "\n",
		work->relay->name, result->stream, result->rows, counts[AUDIT_PRESENT],
		counts[AUDIT_EXPIRED], counts[AUDIT_FORMER], counts[AUDIT_MISSING], result->healed,
		counts[AUDIT_UNMARKED]);
	print_notes(result);
}

static int audit(struct work *work, const struct config *config, const struct config_relay *relay,
	struct stop *stop)
{
	struct audit_options options = { .config = config,
		.relay = relay,
		.from_id = INT64_MIN,
		.heal = work->cli->heal,
		.stop = stop,
		.row = on_row,
		.result = on_result,
		.progress = cmd_shows_progress(work->cli) ? on_progress : NULL,
		.context = work };
	struct error err = { 0 };
	int64_t missing = 0;
	char *since = NULL;

	work->relay = relay;
	work->began_ms = clock_now_ms();
	bool ok = !work->cli->since ||
		cmd_parse_when(work->cli->since, &options.from_id, &since, &err) ||
		error_prefix(&err, "--since");
	options.since = since;
	ok = ok && audit_run(&options, &missing, &err);
	free(since);
	if (!ok)
		return cli_fail(work->cli, &err);
	return missing > 0 ? 1 : 0;
}

static int refuse_borrowed(const struct work *work, const struct config_relay *relay)
{
	struct error err;

	error_set(&err, ERROR_USAGE,
		"%s: a table that Dray did not make does not say where its rows were stored",
		relay->name);
	return cli_fail(work->cli, &err);
}

static int audit_all(struct work *work, const struct config *config, struct stop *stop)
{
	const char *wanted = work->cli->pipeline;
	struct error err = { 0 };
	int status = 0;
	bool found = false;

	for (size_t i = 0; i < config->relay_count && !stop_requested(stop); i++) {
		if (wanted && strcmp(config->relays[i].name, wanted) != 0)
			continue;
		found = true;
		int one = config->relays[i].borrowed.id
			? refuse_borrowed(work, &config->relays[i])
			: audit(work, config, &config->relays[i], stop);
		status = findings_worse_status(status, one);
	}
	if (found)
		return status;
	if (wanted)
		error_set(&err, ERROR_USAGE, "the config has no relay \"%.80s\"", wanted);
	else
		error_set(&err, ERROR_USAGE, "the config has no relay; there is nothing to audit");
	return cli_fail(work->cli, &err);
}

/* --database and --table in place of a config's relays. */
static bool use_database(const struct cli *cli, struct config *config, struct error *err)
{
	if (cli->pipeline)
		return error_set(err, ERROR_USAGE,
			"--pipeline names a relay of a config; leave out --database");
	if (!cmd_check_database(cli->database, NULL, err))
		return error_prefix(err, "--database");
	struct config_relay *relay = config_add_relay(config, "-", cli->database);
	if (cli->table && !config_set(relay, "relay", "table", cli->table, err))
		return error_prefix(err, "--table");
	return config_set(relay, "relay", "name", "outbox", err);
}

int cmd_audit(const struct cli *cli)
{
	struct work work = { .cli = cli, .from = 1 };
	struct error err = { 0 };
	struct stop stop;
	int status = 0;
	struct config *config = cli->database ? config_default() : cli_config(cli, true, &status);

	if (!config)
		return status;
	cli_setup_log(cli, config);
	if (!stop_init(&stop))
		error_set(&err, ERROR_INTERNAL, "no descriptors left");
	else if (!cli->database ||
		(cli_use_nats(cli, config, &err) && use_database(cli, config, &err))) {
		cmd_stop_on_signals(&stop);
		status = audit_all(&work, config, &stop);
	}
	if (err.kind != ERROR_NONE)
		status = cli_fail(cli, &err);
	stop_finish(&stop);
	config_destroy(config);
	return status;
}
