/* dray prune: delivered rows and deleted keys past their retention, and what was discarded long ago. */
#include "cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/findings.h"
#include "base/units.h"
#include "cmd_common.h"
#include "dead.h"
#include "relay/prune.h"
#include "sink/tombstones.h"

#define SHOW_EVERY_MS 200

struct work {
	const struct cli *cli;
	int64_t older_ms, discarded_ms, tombstones_ms; /* -1: not given */
	const struct config *config; /* NULL: a database */
	size_t pruned; /* pipelines that had a retention */
	int status;
};

/* One outbox while it is pruned; the rate is told on a terminal. */
struct pruning {
	const struct work *work;
	const struct dead_pile *pile;
	struct prune prune;
	int64_t began_ms, shown_ms;
};

static bool read_duration(const char *option, const char *text, int64_t *ms, struct error *err)
{
	*ms = -1;
	return !text || units_parse_duration(text, ms) ||
		error_set(err, ERROR_USAGE,
			"%s: \"%.80s\" is not a duration, like 250ms, 5s, 2m, 1h or 7d", option,
			text);
}

static bool on_terminal(const struct work *work)
{
	return isatty(STDERR_FILENO) && !work->cli->json && !work->cli->quiet;
}

static void show_progress(struct pruning *pruning)
{
	int64_t now = clock_now_ms(), took = now - pruning->began_ms;

	if (!on_terminal(pruning->work) || now < pruning->shown_ms + SHOW_EVERY_MS)
		return;
	pruning->shown_ms = now;
	fprintf(stderr, "\r%s: %" PRId64 " rows, %" PRId64 " a second ", pruning->pile->name,
		pruning->prune.deleted, took > 0 ? pruning->prune.deleted * 1000 / took : 0);
}

static void say(const struct pruning *pruning)
{
	const struct cli *cli = pruning->work->cli;
	const struct dead_pile *pile = pruning->pile;

	if (pruning->shown_ms)
		fputs("\r\033[K", stderr);
	if (cli->json)
		cmd_print_json(json_pack("{so so sI sb}", "pipeline", cmd_json_text(pile->name),
			"table", cmd_json_text(pile->table), "deleted",
			(json_int_t)pruning->prune.deleted, "dry_run", cli->dry_run));
	else
		printf("%s: %" PRId64 " row%s %s\n",
			strcmp(pile->name, "-") == 0 ? pile->table : pile->name,
			pruning->prune.deleted, pruning->prune.deleted == 1 ? "" : "s",
			cli->dry_run ? "would be deleted" : "deleted");
}

static bool prune_outbox(struct pruning *pruning, struct db *db, struct error *err)
{
	bool dry = pruning->work->cli->dry_run, over = false;

	if (!migrate_check(db, MIGRATE_OUTBOX, pruning->pile->table, err) ||
		!db_run(db, SQL_PRUNE_SESSION, NULL, NULL, 0, NULL, NULL, err))
		return false;
	pruning->began_ms = clock_now_ms();
	while (!over) {
		if (!prune_step(&pruning->prune, db, dry, true, &over, err))
			return false;
		show_progress(pruning);
		if (!over && !dry)
			clock_sleep_ms(pruning->prune.pace.pause_ms);
	}
	say(pruning);
	return true;
}

static bool count_discarded(struct db *db, const char *older, int64_t *count, struct error *err)
{
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = db_run(db, SQL_PRUNE_COUNT_DISCARDED, NULL, &older, 1, &arena, &rows, err);
	*count = ok ? atoll(db_cell(&rows, 0, 0)) : 0;
	arena_finish(&arena);
	return ok;
}

static bool delete_discarded(struct db *db, const char *older, int64_t *count, struct error *err)
{
	struct arena arena;
	struct db_rows rows = { .changed = 1 };
	bool ok = true;

	*count = 0;
	while (ok && rows.changed > 0) {
		arena_init(&arena);
		ok = db_run(db, SQL_PRUNE_DISCARDED, NULL, &older, 1, &arena, &rows, err);
		*count += ok ? rows.changed : 0;
		arena_finish(&arena);
	}
	return ok;
}

static bool forget_discarded(const struct work *work, struct db *db, struct error *err)
{
	const struct cli *cli = work->cli;
	char older[24];
	int64_t count;

	snprintf(older, sizeof(older), "%" PRId64, work->discarded_ms);
	if (!migrate_check(db, MIGRATE_CORE, NULL, err) ||
		!(cli->dry_run ? count_discarded : delete_discarded)(db, older, &count, err))
		return false;
	if (cli->json)
		cmd_print_json(json_pack("{so sI sb}", "database", cmd_json_text(db_label(db)),
			"discarded_forgotten", (json_int_t)count, "dry_run", cli->dry_run));
	else
		printf("%s: %" PRId64 " discarded %s\n", db_label(db), count,
			cli->dry_run ? "would be forgotten" : "forgotten");
	return true;
}

static void say_tombstones(const struct work *work, const struct tombstones *tombstones)
{
	const struct cli *cli = work->cli;

	if (cli->json)
		cmd_print_json(json_pack("{so sI sb}", "pipeline", cmd_json_text(tombstones->sink),
			"tombstones_forgotten", (json_int_t)tombstones->forgotten, "dry_run",
			cli->dry_run));
	else
		printf("%s: %" PRId64 " deleted key%s %s\n", tombstones->sink,
			tombstones->forgotten, tombstones->forgotten == 1 ? "" : "s",
			cli->dry_run ? "would be forgotten" : "forgotten");
}

static bool forget_tombstones(const struct work *work, const struct dead_pile *pile, struct db *db,
	int64_t age_ms, struct error *err)
{
	bool dry = work->cli->dry_run, over = false;
	struct tombstones tombstones;

	if (!migrate_check(db, MIGRATE_EVENTS, NULL, err))
		return false;
	tombstones_init(&tombstones, pile->name, age_ms);
	while (!over && tombstones_step(&tombstones, db, dry, true, &over, err))
		if (!over && !dry)
			clock_sleep_ms(tombstones.pace.pause_ms);
	if (over)
		say_tombstones(work, &tombstones);
	tombstones_finish(&tombstones);
	return over;
}

static bool upserts(const struct config_sink *sink)
{
	size_t count;
	const struct config_table *tables = config_tables(sink, &count);

	for (size_t i = 0; i < count; i++)
		if (tables[i].mode == SINK_UPSERT)
			return true;
	return false;
}

/* How long a sink remembers deleted keys; -1: for ever. */
static int64_t memory_of(const struct work *work, const struct dead_pile *pile)
{
	if (!pile->is_sink || !pile->sink || !upserts(pile->sink))
		return -1;
	if (work->tombstones_ms >= 0)
		return work->tombstones_ms;
	return pile->sink->retention_ms > 0 ? pile->sink->retention_ms : -1;
}

/* How long the rows of an outbox stay; 0: for ever. */
static int64_t retention_of(const struct work *work, const struct dead_pile *pile)
{
	if (work->older_ms >= 0)
		return work->older_ms;
	for (size_t i = 0; work->config && i < work->config->relay_count; i++)
		if (strcmp(work->config->relays[i].name, pile->name) == 0)
			return work->config->relays[i].retention_ms;
	return 0;
}

/* A database is told of its discarded ones once, whatever its number of pipelines. */
static bool is_first(const struct dead_piles *piles, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(piles->items[i].database, piles->items[at].database) == 0)
			return false;
	return true;
}

static bool take_pile(
	struct work *work, const struct dead_piles *piles, size_t at, struct error *err)
{
	const struct dead_pile *pile = &piles->items[at];
	struct pruning pruning = { .work = work, .pile = pile };
	int64_t retention = pile->is_sink ? 0 : retention_of(work, pile);
	bool rows = !pile->is_sink && !pile->borrowed && (retention > 0 || work->older_ms == 0);
	bool discarded = work->discarded_ms >= 0 && is_first(piles, at);

	int64_t memory = memory_of(work, pile);

	work->pruned += rows || memory >= 0 || work->discarded_ms >= 0;
	if (!rows && !discarded && memory < 0)
		return true;
	struct db *db = cmd_open(pile->database, false, err);
	prune_init(&pruning.prune, pile->table, retention);
	bool ok = db && (!rows || prune_outbox(&pruning, db, err)) &&
		(memory < 0 || forget_tombstones(work, pile, db, memory, err)) &&
		(!discarded || forget_discarded(work, db, err));
	db_destroy(db);
	return ok || error_prefix(err, "%s", pile->name);
}

static void take_piles(struct work *work, const struct dead_piles *piles)
{
	struct error err = { 0 };

	for (size_t i = 0; i < piles->count; i++)
		if (!take_pile(work, piles, i, &err))
			work->status =
				findings_worse_status(work->status, cli_fail(work->cli, &err));
	if (work->pruned > 0 || work->status != 0)
		return;
	error_set(&err, ERROR_USAGE,
		"nothing says how long rows stay: set retention: of a relay or of a sink that upserts, or use "
		"--older or --tombstones DURATION");
	work->status = cli_fail(work->cli, &err);
}

static bool find_piles(struct work *work, struct dead_piles *piles, struct error *err)
{
	const struct cli *cli = work->cli;

	if (work->config)
		return dead_piles_of_config(work->config, cli->pipeline, piles, err);
	return cmd_check_database(cli->database, NULL, err) &&
		dead_piles_of_database(cli->database, cli->pipeline, cli->table, piles, err);
}

static bool check(struct work *work, struct error *err)
{
	const struct cli *cli = work->cli;

	if (cli->table && !cli->database)
		return error_set(err, ERROR_USAGE, "--table goes with --database");
	if (cli->tombstones && cli->database)
		return error_set(err, ERROR_USAGE,
			"--tombstones needs the config, which says what sinks there are; use -c FILE");
	return read_duration("--older", cli->older, &work->older_ms, err) &&
		read_duration("--discarded", cli->discarded, &work->discarded_ms, err) &&
		read_duration("--tombstones", cli->tombstones, &work->tombstones_ms, err);
}

int cmd_prune(const struct cli *cli)
{
	struct work work = { .cli = cli };
	struct dead_piles piles = { 0 };
	struct error err = { 0 };

	if (!check(&work, &err))
		return cli_fail(cli, &err);
	struct config *config = cli->database ? NULL : cli_config(cli, true, &work.status);
	if (!config && !cli->database)
		return work.status;
	work.config = config;
	if (find_piles(&work, &piles, &err))
		take_piles(&work, &piles);
	else
		work.status = cli_fail(cli, &err);
	dead_piles_finish(&piles);
	config_destroy(config);
	return work.status;
}
