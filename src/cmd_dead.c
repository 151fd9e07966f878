/* dray dead: rows and events that were given up on. */
#include "cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/findings.h"
#include "base/process.h"
#include "base/units.h"
#include "cmd_common.h"
#include "cmd_dead_print.h"
#include "config_check.h"
#include "dead.h"

struct work {
	const struct cli *cli;
	const struct action *action;
	struct dead_filter filter;
	struct dead dead; /* the pile of this moment */
	int64_t matched, done, refused;
};

struct action {
	const char *name, *done; /* "put back" */
	bool whole_events, whole_rows; /* what it needs to see */
	bool chosen; /* asks for an id, a filter or --all */
	bool changes;
	bool (*run)(
		struct work *work, const struct dead_item *items, size_t count, struct error *err);
};

static bool list(struct work *work, const struct dead_item *items, size_t count, struct error *err)
{
	(void)err;
	if (work->matched == (int64_t)count && !work->cli->json)
		cmd_dead_print_head();
	for (size_t i = 0; i < count; i++)
		if (work->cli->json)
			cmd_dead_print_json(work->dead.pile, &items[i], false);
		else
			cmd_dead_print_line(work->dead.pile, &items[i]);
	return true;
}

static bool show(struct work *work, const struct dead_item *items, size_t count, struct error *err)
{
	(void)err;
	for (size_t i = 0; i < count; i++) {
		if (work->cli->json) {
			cmd_dead_print_json(work->dead.pile, &items[i], true);
			continue;
		}
		if (work->matched > (int64_t)count || i > 0)
			putchar('\n');
		cmd_dead_print_whole(work->dead.pile, &items[i]);
	}
	return true;
}

static void say(
	struct work *work, const struct dead_item *item, enum dead_result result, const char *why)
{
	cmd_dead_print_result(
		work->dead.pile, item, result, why, work->cli->dry_run, work->cli->json);
	work->refused += result == DEAD_REFUSED;
	work->done += result != DEAD_REFUSED && result != DEAD_GONE;
}

static bool retry_events(
	struct work *work, const struct dead_item *items, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		enum dead_result result = DEAD_STORED;
		struct error why = { 0 };
		if (!work->cli->dry_run &&
			!dead_retry_event(&work->dead, &items[i], &result, &why, err))
			return false;
		say(work, &items[i], result, result == DEAD_REFUSED ? why.text : NULL);
	}
	return true;
}

static bool retry(struct work *work, const struct dead_item *items, size_t count, struct error *err)
{
	enum dead_result results[DEAD_PAGE];

	if (work->dead.pile->is_sink)
		return retry_events(work, items, count, err);
	if (!dead_retry_rows(&work->dead, items, count, work->cli->dry_run, results, err))
		return false;
	for (size_t i = 0; i < count; i++)
		say(work, &items[i], results[i], NULL);
	return true;
}

static bool discard(
	struct work *work, const struct dead_item *items, size_t count, struct error *err)
{
	int64_t discarded = (int64_t)count;
	char by[PROCESS_NAME];

	process_user(by);
	if (!work->cli->dry_run &&
		!dead_discard(&work->dead, items, count, by, work->cli->reason, &discarded, err))
		return false;
	for (size_t i = 0; i < count; i++)
		say(work, &items[i], DEAD_DISCARDED, NULL);
	work->done += discarded - (int64_t)count; /* somebody else was faster */
	return true;
}

static const struct action actions[] = {
	{ "list", NULL, false, false, false, false, list },
	{ "show", NULL, true, true, true, false, show },
	{ "retry", "retried", true, false, true, true, retry },
	{ "discard", "discarded", false, false, true, true, discard },
};

static bool find_action(struct work *work, struct error *err)
{
	const char *wanted = work->cli->arguments[0];

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, wanted) == 0)
			work->action = &actions[i];
	return work->action ||
		error_set(err, ERROR_USAGE,
			"dray dead has no action \"%.80s\"; it is list, show, retry or discard",
			wanted);
}

static bool parse_age(const char *option, const char *text, int64_t *ms, struct error *err)
{
	*ms = -1;
	return !text || units_parse_duration(text, ms) ||
		error_set(err, ERROR_USAGE,
			"%s: \"%.80s\" is not a duration, like 250ms, 5s, 2m, 1h or 7d", option,
			text);
}

static bool read_filter(struct work *work, struct error *err)
{
	const struct cli *cli = work->cli;
	struct dead_filter *filter = &work->filter;

	*filter = (struct dead_filter){ .subject = cli->subject,
		.key = cli->key,
		.error = cli->error,
		.ids = cli->arguments + 1,
		.id_count = cli->argument_count - 1 };
	if (cli->subject && !check_subject_pattern(cli->subject, err))
		return error_prefix(err, "--subject");
	return parse_age("--older", cli->older, &filter->older_ms, err) &&
		parse_age("--newer", cli->newer, &filter->newer_ms, err);
}

static bool check_choice(const struct work *work, struct error *err)
{
	const struct cli *cli = work->cli;
	const struct dead_filter *filter = &work->filter;
	bool chosen = filter->subject || filter->key || filter->error || filter->id_count > 0 ||
		filter->older_ms >= 0 || filter->newer_ms >= 0;

	if (work->action->chosen && !chosen && !cli->all)
		return error_set(err, ERROR_USAGE,
			"dray dead %s: say which: by id, --subject, --key, --error, --older or "
			"--newer; or --all",
			work->action->name);
	if (filter->id_count > 0 && cli->all)
		return error_set(err, ERROR_USAGE, "ids and --all contradict each other");
	if (cli->dry_run && !work->action->changes)
		return error_set(err, ERROR_USAGE,
			"dray dead %s changes nothing: leave --dry-run out", work->action->name);
	return true;
}

static bool check_reason(const struct work *work, struct error *err)
{
	const char *reason = work->cli->reason;
	bool discards = strcmp(work->action->name, "discard") == 0;

	if (reason && !discards)
		return error_set(err, ERROR_USAGE, "--reason is for dray dead discard");
	return !discards || work->cli->dry_run || (reason && *reason) ||
		error_set(err, ERROR_USAGE,
			"dray dead discard needs --reason TEXT: it is kept with what is discarded");
}

/* An id means a row of one outbox, or an event of one sink. */
static bool check_ids(const struct work *work, const struct dead_piles *piles, struct error *err)
{
	size_t outboxes = 0, sinks = 0;

	for (size_t i = 0; i < piles->count; i++)
		*(piles->items[i].is_sink ? &sinks : &outboxes) += 1;
	for (size_t i = 0; i < work->filter.id_count; i++) {
		const char *id = work->filter.ids[i];
		bool event = strchr(id, '/') != NULL;
		if (!event && strspn(id, "-0123456789") != strlen(id))
			return error_set(err, ERROR_USAGE,
				"\"%.80s\" is no id; those of rows are numbers, those of events "
				"STREAM/EPOCH/SEQ",
				id);
		if ((event ? sinks : outboxes) != 1)
			return error_set(err, ERROR_USAGE,
				"%.80s: there are %zu %s it could be of; name one with --pipeline",
				id, event ? sinks : outboxes, event ? "sinks" : "outboxes");
	}
	return true;
}

static bool act(void *context, const struct dead_item *items, size_t count, struct error *err)
{
	struct work *work = context;

	work->matched += (int64_t)count;
	return work->action->run(work, items, count, err);
}

/* Those of the ids that mean this pile. */
static size_t ids_of(const struct work *work, bool is_sink, const char **ids)
{
	size_t count = 0;

	for (size_t i = 0; i < work->filter.id_count; i++)
		if ((strchr(work->filter.ids[i], '/') != NULL) == is_sink)
			ids[count++] = work->filter.ids[i];
	return count;
}

static bool take_pile(struct work *work, const struct dead_pile *pile, struct error *err)
{
	bool whole = pile->is_sink ? work->action->whole_events : work->action->whole_rows;
	const char *ids[CMD_DEAD_IDS];
	struct dead_filter filter = work->filter;

	filter.ids = ids;
	filter.id_count = ids_of(work, pile->is_sink, ids);
	if (work->filter.id_count > 0 && filter.id_count == 0)
		return true;
	bool ok = dead_open(&work->dead, pile, NULL, err) &&
		dead_each(&work->dead, &filter, whole ? DEAD_WHOLE : 0, act, work, err);
	dead_close(&work->dead);
	return ok;
}

static int take_piles(struct work *work, const struct dead_piles *piles)
{
	int status = 0;

	for (size_t i = 0; i < piles->count; i++) {
		struct error err = { 0 };
		if (!take_pile(work, &piles->items[i], &err))
			status = findings_worse_status(status, cli_fail(work->cli, &err));
	}
	return status;
}

static void sum_up(const struct work *work, int status)
{
	const struct cli *cli = work->cli;

	if (cli->json && work->action->changes)
		cmd_print_json(json_pack("{sI sI sb}", "matched", (json_int_t)work->matched, "done",
			(json_int_t)work->done, "dry_run", cli->dry_run));
	else if (!cli->json && work->matched == 0 && status == 0)
		puts("nothing that was given up on matches");
	else if (!cli->json && work->action->changes)
		printf("%" PRId64 " of %" PRId64 " %s%s\n", work->done, work->matched,
			cli->dry_run ? "would be " : "", work->action->done);
}

static int run(struct work *work, const struct dead_piles *piles)
{
	struct error err = { 0 };

	if (!check_ids(work, piles, &err))
		return cli_fail(work->cli, &err);
	int status = take_piles(work, piles);
	sum_up(work, status);
	return work->refused > 0 ? findings_worse_status(status, 1) : status;
}

static int run_database(struct work *work)
{
	const struct cli *cli = work->cli;
	struct dead_piles piles = { 0 };
	struct error err = { 0 };

	bool ok = cmd_check_database(cli->database, NULL, &err) &&
		dead_piles_of_database(cli->database, cli->pipeline, cli->table, &piles, &err);
	int status = ok ? run(work, &piles) : cli_fail(cli, &err);
	dead_piles_finish(&piles);
	return status;
}

static int run_config(struct work *work)
{
	const struct cli *cli = work->cli;
	struct dead_piles piles = { 0 };
	struct error err = { 0 };
	int status = 0;

	if (cli->table) {
		error_set(&err, ERROR_USAGE, "--table goes with --database");
		return cli_fail(cli, &err);
	}
	struct config *config = cli_config(cli, true, &status);
	if (!config)
		return status;
	bool ok = dead_piles_of_config(config, cli->pipeline, &piles, &err);
	status = ok ? run(work, &piles) : cli_fail(cli, &err);
	dead_piles_finish(&piles);
	config_destroy(config);
	return status;
}

int cmd_dead(const struct cli *cli)
{
	struct work work = { .cli = cli };
	struct error err = { 0 };

	if (!find_action(&work, &err) || !read_filter(&work, &err) || !check_choice(&work, &err) ||
		!check_reason(&work, &err))
		return cli_fail(cli, &err);
	return cli->database ? run_database(&work) : run_config(&work);
}
